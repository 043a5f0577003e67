import shutil
import subprocess
from collections.abc import Callable
from datetime import datetime

import pytest

from millrace.deploy import open_repository
from millrace.errors import (
    DeployError,
    GateFailedError,
    RegistryError,
    ReleaseError,
    StoreError,
)
from millrace.export.manifest import ScoreBins
from millrace.ingest.history import Entry
from millrace.ingest.snapshot import Difference
from millrace.registry import (
    Registration,
    find_champion,
    open_bundle,
    open_registry,
    read_card,
    register_candidate,
)
from millrace.registry.commit import commit_of
from millrace.release import (
    ArmRef,
    Canary,
    Site,
    applied,
    canary_arm,
    first_release,
    promote,
    propose_candidate,
    read_release,
)
from millrace.settings import Settings
from millrace.workload.rollout import Rollout
from millrace.workload.serving import Serving

ORIGIN = {
    "snapshot": "5" * 64,
    "as_of": "2024-01-01T00:00:00+00:00",
    "code_revision": "0" * 64,
    "champion": "",
    "signal": "manual",
    "run": "run-1",
}


@pytest.fixture
def register(local: Settings, store) -> Callable[..., Registration]:
    def register(made, settings: Settings = local, **origin: str) -> Registration:
        made.dataset.write(made.root / "dataset" / "manifest.json")
        made.evaluation.write(made.root / "evaluation")
        made.verdict.write(made.root / "verdict")
        return register_candidate(
            made.workload,
            store,
            settings,
            dataset=made.root / "dataset",
            exported=made.exported,
            evaluation=made.root / "evaluation",
            verdict=made.root / "verdict",
            origin={**ORIGIN, **origin},
        )

    return register


def test_a_candidate_is_published_and_registered(made, register, local, store, tmp_path):
    done = register(made)
    assert done.outcome == "registered"
    card = read_card(open_bundle(store, done.digest, tmp_path))
    assert card.lineage.feature_views == ["pump_state"]
    assert card.lineage.champion is None
    assert open_registry(local).champion("pumps") == done.digest
    assert find_champion("pumps", "auto", local).digest == done.digest


def test_a_second_run_over_the_same_snapshot_leaves_store_and_registry_as_they_are(
    made, register, local, store
):
    first = register(made)
    again = register(made, run="run-2", signal="schedule", champion=first.digest)
    assert (again.outcome, again.version, again.digest) == ("unchanged", 1, first.digest)
    assert store.names("bundles/sha256") == [first.digest]


def test_a_challenger_counts_its_scores_in_the_champions_bins(made, register, store, tmp_path):
    first = register(made)
    found = made.evaluation.model_copy(update={"champion_bins": [18, 2], "candidate_bins": [12, 8]})
    challenger = made.export(b"better").but(evaluation=found)
    second = register(challenger, champion=first.digest, run="run-2")
    assert (second.version, second.champion) == (2, False)
    card = read_card(open_bundle(store, second.digest, tmp_path))
    assert card.comparison_bins.counts == [12, 8]
    assert card.counting_bins == card.comparison_bins
    assert card.score_distance == pytest.approx(0.3), "18 and 2 of 20 against 12 and 8"
    assert card.lineage.champion == first.digest


def test_every_arm_of_a_line_of_champions_counts_in_the_same_bins(made, register, store, tmp_path):
    first = register(made)
    found = made.evaluation.model_copy(update={"candidate_bins": [12, 8]})
    bins = ScoreBins(edges=[0.7], counts=[15, 5])
    second = register(
        made.export(b"better", bins=bins).but(evaluation=found),
        champion=first.digest,
        run="run-2",
    )
    third = register(
        made.export(b"best", bins=bins).but(evaluation=found), champion=second.digest, run="run-3"
    )
    edges = [
        read_card(open_bundle(store, one.digest, tmp_path)).counting_bins.edges
        for one in (first, second, third)
    ]
    assert edges == [[0.5], [0.5], [0.5]]


def test_a_champion_that_was_not_compared_gives_no_distance(made, register, store, tmp_path):
    first = register(made)
    second = register(made.export(b"other"), champion=first.digest, run="run-2")
    card = read_card(open_bundle(store, second.digest, tmp_path))
    assert (card.comparison_bins, card.score_distance) == (None, None)
    assert card.counting_bins == card.bins


def test_a_candidate_that_failed_a_gate_leaves_nothing_behind(made, register, local, store):
    failed = made.verdict.results[0].model_copy(update={"outcome": "fail"})
    verdict = made.verdict.model_copy(update={"results": [failed]})
    with pytest.raises(GateFailedError):
        register(made.but(verdict=verdict))
    assert store.names("bundles/sha256") == []
    assert open_registry(local).candidates("pumps") == []


def test_a_registry_that_refuses_is_told_and_a_repeated_step_registers(made, register, local):
    gone = local.model_copy(update={"mlflow_uri": "http://127.0.0.1:9"})
    with pytest.raises(RegistryError, match="refuses the connection"):
        register(made, gone)
    assert register(made).outcome == "registered"


def test_a_version_whose_bundle_was_lost_is_told(made, register, store):
    first = register(made)
    shutil.rmtree(store.location(f"bundles/sha256/{first.digest}"))
    with pytest.raises(StoreError, match=rf"bundles/sha256/{first.digest}: nothing lies there"):
        register(made, run="run-2", signal="schedule")
    assert register(made, run="run-2").outcome == "unchanged"
    assert store.exists(f"bundles/sha256/{first.digest}/manifest.json")


def test_a_champion_that_is_not_in_the_store_is_told(made, register):
    with pytest.raises(StoreError, match=rf"bundles/sha256/{'b' * 64}: nothing lies there"):
        register(made, champion="b" * 64)


@pytest.mark.parametrize(
    ("wanted", "digest", "source"), [("none", "", "none"), ("a" * 64, "a" * 64, "given")]
)
def test_whoever_starts_a_run_may_name_the_champion(settings, wanted, digest, source):
    found = find_champion("pumps", wanted, settings)
    assert (found.digest, found.source) == (digest, source)


def test_a_workload_starts_without_a_champion(settings):
    assert find_champion("pumps", "auto", settings).digest == ""


def test_what_serves_is_the_champion_and_until_then_the_registrys(made, register, local):
    done = register(made)
    found = find_champion("pumps", "auto", local)
    assert (found.digest, found.source) == (done.digest, "registry")
    repository = open_repository(local)
    arm = ArmRef(version=9, digest="9" * 64, name="pumps-v9")
    changes = first_release("pumps", arm, Serving(), Rollout(), Site(), now=0.0)
    repository.commit(repository.head(), changes, "Release pumps v9")
    found = find_champion("pumps", "auto", local)
    assert (found.digest, found.source) == ("9" * 64, "release")


def test_a_canary_is_the_champion_from_its_promotion_on_and_not_before(local):
    repository = open_repository(local)
    files, release, site = {}, None, Site()
    for version in (8, 9):
        arm = Canary(version=version, digest=f"{version}" * 64, name=f"pumps-v{version}")
        if release is None:
            made = first_release("pumps", arm, Serving(), Rollout(), site, now=0.0)
        else:
            content = canary_arm(files, release, arm, Serving(), site)
            made = propose_candidate(
                files, release, arm, content, serving=Serving(), rollout=Rollout(), now=0.0
            )
        files = applied(files, made)
        release = read_release(files, "pumps")
    repository.commit(repository.head(), files, "Put v9 on trial")
    assert find_champion("pumps", "auto", local).digest == "8" * 64
    repository.commit(repository.head(), promote(files, release, now=0.0), "Promote v9")
    assert find_champion("pumps", "auto", local).digest == "9" * 64


def test_a_deploy_repository_that_says_what_cannot_be_is_told(local):
    repository = open_repository(local)
    repository.commit(repository.head(), {"pumps/rollout.yaml": b"kind: Relese\n"}, "Oops")
    with pytest.raises(ReleaseError, match=r"pumps/rollout\.yaml:1: "):
        find_champion("pumps", "auto", local)


def test_a_deploy_repository_that_does_not_answer_is_told(local):
    gone = local.model_copy(update={"deploy_repository": str(local.home / "mlflow.db")})
    with pytest.raises(DeployError):
        find_champion("pumps", "auto", gone)


def test_a_champion_that_is_no_digest_is_told(settings):
    with pytest.raises(RegistryError, match=r"names no champion; found 'v3'; expected auto, none"):
        find_champion("pumps", "v3", settings)


def test_the_git_commit_is_known_in_a_checkout_or_when_the_image_says_it(made, monkeypatch):
    monkeypatch.delenv("MILLRACE_COMMIT", raising=False)
    assert commit_of(made.workload) is None
    git = ["git", "-C", str(made.root), "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "init", "-q"], check=True)
    assert commit_of(made.workload) is None
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    known = commit_of(made.workload)
    assert known is not None
    assert len(known) == 40
    monkeypatch.setenv("MILLRACE_COMMIT", "abc")
    assert commit_of(made.workload) == "abc"
    monkeypatch.delenv("MILLRACE_COMMIT")
    monkeypatch.setenv("PATH", "")
    assert commit_of(made.workload) is None


def test_the_card_says_what_has_changed_since_the_last_look_as_of_the_same_time(
    made, register, store, tmp_path
):
    moment = datetime.fromisoformat(ORIGIN["as_of"])
    changed = Difference(earlier="4" * 64, added=1, gone=0, became_known=2, corrected=0)
    first = Entry(digest="4" * 64, as_of=moment, rows=3)
    again = Entry(digest=ORIGIN["snapshot"], as_of=moment, rows=4, look=1, difference=changed)
    for entry in (first, again):
        store.write_json(f"snapshots/pumps/history/{entry.name}", entry.model_dump(mode="json"))
    card = read_card(open_bundle(store, register(made).digest, tmp_path))
    assert card.lineage.difference == changed
