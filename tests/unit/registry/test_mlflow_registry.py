import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from millrace.errors import GateFailedError, RegistryError
from millrace.registry import Registration, open_registry
from millrace.registry.mlflow_client import tracking
from millrace.settings import Settings


class Killed(BaseException):
    """Stands for a kill: nothing handles it."""

    @classmethod
    def fall(cls, *args, **kwargs):
        raise cls


def register(settings, made, run="run-1", **more) -> Registration:
    bundle = made.bundle(f"bundle-{run}")
    return open_registry(settings).register(
        bundle,
        f"s3://millrace/bundles/sha256/{bundle.digest}",
        run=run,
        params=bundle.card.training,
        evaluation=made.evaluation,
        verdict=made.verdict,
        **more,
    )


def mlflow_runs(settings):
    with tracking(settings) as client:
        experiment = client.get_experiment_by_name("millrace/pumps")
        return client.search_runs([experiment.experiment_id])


def retrained(made, model=b"a better model"):
    lineage = made.lineage.model_copy(update={"snapshot": "6" * 64})
    return made.export(model).but(lineage=lineage)


def test_the_first_version_is_registered_and_is_the_champion(local, made):
    done = register(local, made)
    assert (done.outcome, done.name, done.version) == ("registered", "pumps", 1)
    assert done.champion
    assert open_registry(local).champion("pumps") == done.digest


def test_a_later_version_becomes_no_champion_by_itself(local, made):
    first = register(local, made)
    second = register(local, retrained(made), "run-2")
    assert (second.outcome, second.version, second.champion) == ("registered", 2, False)
    assert open_registry(local).champion("pumps") == first.digest


def test_the_champion_is_the_version_that_the_alias_names(local, made):
    register(local, made)
    second = register(local, retrained(made), "run-2")
    with tracking(local, writes=True) as client:
        client.set_registered_model_alias("pumps", "champion", "2")
    assert open_registry(local).champion("pumps") == second.digest


def test_a_promotion_moves_the_title_however_often_it_is_told(local, made):
    first = register(local, made)
    second = register(local, retrained(made), "run-2")
    registry = open_registry(local)
    for _ in range(2):
        registry.promote("pumps", second.digest)
        assert registry.champion("pumps") == second.digest
    registry.promote("pumps", first.digest)
    assert [one.champion for one in registry.candidates("pumps")] == [False, True]


def test_a_bundle_without_a_version_cannot_be_promoted(local, made):
    register(local, made)
    with pytest.raises(RegistryError, match=r"no version of 'pumps' names this bundle; found eee"):
        open_registry(local).promote("pumps", "e" * 64)


def test_a_champion_that_was_taken_away_is_not_replaced(local, made):
    register(local, made)
    with tracking(local, writes=True) as client:
        client.delete_registered_model_alias("pumps", "champion")
    assert not register(local, retrained(made), "run-2").champion
    assert open_registry(local).champion("pumps") is None


def test_the_same_model_of_the_same_snapshot_stays_one_version(local, made):
    first = register(local, made)
    by_schedule = made.lineage.model_copy(update={"signal": "schedule"})
    again = register(local, made.but(lineage=by_schedule), "run-2")
    assert again == first.model_copy(update={"outcome": "unchanged"})
    assert len(open_registry(local).candidates("pumps")) == 1
    assert len(mlflow_runs(local)) == 1


def test_the_same_model_of_a_new_snapshot_is_a_new_version(local, made):
    register(local, made)
    assert register(local, retrained(made, b"model"), "run-2").version == 2


def test_a_verdict_that_failed_registers_nothing(local, made):
    failed = made.verdict.results[0].model_copy(update={"outcome": "fail"})
    verdict = made.verdict.model_copy(update={"results": [failed]})
    with pytest.raises(GateFailedError):
        register(local, made.but(verdict=verdict))
    assert open_registry(local).candidates("pumps") == []


def test_candidates_come_newest_first_with_metrics_and_lineage(local, made):
    first, second = register(local, made), register(local, retrained(made), "run-2")
    found = open_registry(local).candidates("pumps")
    assert [candidate.digest for candidate in found] == [second.digest, first.digest]
    old = found[1]
    assert old.metrics == {"roc_auc": 0.8}
    assert (old.run, old.signal, old.snapshot) == ("run-1", "manual", "5" * 64)
    assert (old.uri, old.champion) == (first.uri, True)
    assert old.created.endswith("+00:00")


def test_a_model_that_others_put_there_is_no_candidate(local, made):
    with tracking(local, writes=True) as client:
        client.create_registered_model("pumps")
        client.create_model_version("pumps", "s3://elsewhere/model")
        client.set_registered_model_alias("pumps", "champion", "1")
    assert open_registry(local).candidates("pumps") == []
    with pytest.raises(RegistryError, match=r"version 1 of 'pumps' is the champion but names no"):
        open_registry(local).champion("pumps")


def test_the_workloads_are_those_that_millrace_registered(local, made, monkeypatch):
    from mlflow.tracking.client import MlflowClient

    assert open_registry(local).names() == []
    with tracking(local, writes=True) as client:
        client.create_registered_model("others")
        client.create_experiment("others")
    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(MlflowClient, "create_model_version", Killed.fall)
        register(local, made)
    assert open_registry(local).names() == []
    register(local, made)
    assert open_registry(local).names() == ["pumps"]


def test_a_version_can_be_asked_for_and_an_unknown_one_is_named_with_those_there_are(local, made):
    done = register(local, made)
    registry = open_registry(local)
    assert registry.version("pumps", 1).digest == done.digest
    with pytest.raises(RegistryError, match=r"no version 7 of 'pumps'; expected one of 1;"):
        registry.version("pumps", 7)
    with pytest.raises(RegistryError, match="no version 1 of 'fans'; register one"):
        registry.version("fans", 1)


def test_the_evidence_stands_in_an_mlflow_run(local, made):
    register(local, made, commit="abc123")
    (run,) = mlflow_runs(local)
    assert run.info.status == "FINISHED"
    assert run.data.params["parameters.width"] == "8"
    assert run.data.metrics["roc_auc.low"] == pytest.approx(0.7)
    assert run.data.metrics["logistic_regression.roc_auc"] == 0.7
    assert run.data.metrics["logistic_regression.difference.roc_auc"] == 0.1
    assert run.data.metrics["latency.p99"] == 0.00002
    assert run.data.tags["mlflow.source.git.commit"] == "abc123"
    for name, value in made.lineage.model_dump(exclude={"feature_views"}).items():
        assert run.data.tags.get(name) == value
    with tracking(local) as client:
        version = client.get_model_version("pumps", "1")
    assert version.run_id == run.info.run_id
    assert version.tags["model_digest"] == made.bundle().card.model


def test_nothing_is_made_where_nothing_was_registered(settings):
    registry = open_registry(settings)
    assert registry.champion("pumps") is None
    assert registry.candidates("pumps") == []
    assert registry.names() == []
    assert registry.find("pumps", model="a", snapshot="b") is None
    assert not settings.home.exists()


def test_an_unknown_workload_has_no_champion(local):
    assert open_registry(local).champion("pumps") is None
    assert open_registry(local).candidates("pumps") == []


STEPS = [
    "create_experiment",
    "create_run",
    "log_batch",
    "create_registered_model",
    "create_model_version",
    "set_terminated",
    "set_registered_model_alias",
]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("call", STEPS)
def test_a_registration_that_was_killed_and_repeated_ends_with_one_version(
    local, made, monkeypatch, call, when
):
    from mlflow.tracking.client import MlflowClient

    real = getattr(MlflowClient, call)

    def killed(*args, **kwargs):
        if when == "after":
            real(*args, **kwargs)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(MlflowClient, call, killed)
        with pytest.raises(Killed):
            register(local, made)
    done = register(local, made)
    assert (done.outcome, done.version, done.champion) == ("registered", 1, True)
    assert [candidate.version for candidate in open_registry(local).candidates("pumps")] == [1]
    statuses = [run.info.status for run in mlflow_runs(local)]
    assert statuses.count("FINISHED") == 1
    assert "RUNNING" not in statuses


def test_two_registrations_at_once_end_with_one_version(local, made, monkeypatch):
    from mlflow.tracking.client import MlflowClient

    both_found_nothing = Barrier(2)
    real = MlflowClient.create_model_version

    def create_together(*args, **kwargs):
        both_found_nothing.wait(30)
        return real(*args, **kwargs)

    monkeypatch.setattr(MlflowClient, "create_model_version", create_together)
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(register, local, made, run) for run in ("run-1", "run-2")]
        done = [run.result() for run in runs]
    (kept,) = open_registry(local).candidates("pumps")
    assert {one.version for one in done} == {kept.version}
    assert sorted(one.outcome for one in done) == ["registered", "unchanged"]
    assert open_registry(local).champion("pumps") == kept.digest
    assert sorted(run.info.status for run in mlflow_runs(local)) == ["FINISHED", "KILLED"]


def test_a_twin_that_a_kill_left_is_deleted_by_the_next_registration(local, made):
    first = register(local, made)
    with tracking(local, writes=True) as client:
        tags = client.get_model_version("pumps", "1").tags
        client.create_model_version("pumps", first.uri, tags=tags)
    assert register(local, made).version == 1
    assert [candidate.version for candidate in open_registry(local).candidates("pumps")] == [1]


def test_a_deleted_experiment_is_told_in_one_line_and_registers_nothing(local, made):
    register(local, made)
    with tracking(local, writes=True) as client:
        experiment = client.get_experiment_by_name("millrace/pumps")
        client.delete_experiment(experiment.experiment_id)
    with pytest.raises(RegistryError, match=r"mlflow\.db: the model registry does not do as asked"):
        register(local, retrained(made), "run-2")
    assert len(open_registry(local).candidates("pumps")) == 1


@pytest.mark.slow
def test_the_database_is_made_without_a_word_but_our_own(settings, made):
    """A fresh process, because MLflow sets up its logging when it is imported."""
    script = (
        "from pathlib import Path\n"
        "from millrace.registry.mlflow_client import tracking\n"
        "from millrace.settings import Settings\n"
        f"with tracking(Settings(home=Path({str(settings.home)!r})), writes=True): pass\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=made.root
    )
    (line,) = done.stdout.splitlines()
    assert '"event": "registry_created"' in line
    assert done.stderr == ""
    assert [path.name for path in settings.home.iterdir()] == ["mlflow.db"]
    assert not (made.root / "mlruns").exists()


def test_a_database_is_whole_or_not_there(settings, monkeypatch):
    import mlflow.store.db.utils as tables

    with monkeypatch.context() as patched:
        patched.setattr(tables, "_upgrade_db", Killed.fall)
        with pytest.raises(Killed), tracking(settings, writes=True):
            pass
    assert list(settings.home.iterdir()) == []


def test_mlflow_is_not_imported_before_it_is_asked(tmp_path: Path):
    script = (
        "import sys\n"
        "from millrace.registry import open_registry\n"
        "from millrace.settings import Settings\n"
        "open_registry(Settings()).champion('pumps')\n"
        "assert not {'mlflow', 'torch', 'sklearn', 'feast', 'pandas'} & set(sys.modules)\n"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MILLRACE_")}
    subprocess.run([sys.executable, "-c", script], check=True, cwd=tmp_path, env=environment)


def test_no_telemetry_is_sent(local):
    from mlflow.telemetry.utils import is_telemetry_disabled

    with tracking(local):
        assert is_telemetry_disabled()
    assert isinstance(local, Settings)
