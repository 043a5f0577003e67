"""MLflow as the model registry: a run of an experiment with the evidence, a version, an alias."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from millrace.errors import RegistryError
from millrace.evaluation.result import Evaluation
from millrace.gates.verdict import Verdict
from millrace.progress import say
from millrace.registry.bundle import Bundle
from millrace.registry.mlflow_client import address, nothing_registered, tracking
from millrace.registry.mlflow_fields import description, flat_metrics, flat_params, lineage_tags
from millrace.registry.mlflow_queries import (
    CHAMPION,
    candidate,
    champion_version,
    experiment_name,
    metrics_by_run,
    ours,
    same_versions,
    workloads,
)
from millrace.registry.registration import Candidate, Registration
from millrace.settings import Settings

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.tracking.client import MlflowClient

EXISTING = "RESOURCE_ALREADY_EXISTS"
MISSING = "RESOURCE_DOES_NOT_EXIST"


class MlflowRegistry:
    """A ModelRegistry in MLflow.

    A version is created with all its tags in one call, so it is there whole or not at all, and
    it is looked up by them: that makes a registration repeatable. An MLflow run that a kill left
    open is closed by the registration that follows.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def find(self, name: str, *, model: str, snapshot: str) -> Candidate | None:
        """See ModelRegistry."""
        return next(
            (
                c
                for c in reversed(self.candidates(name))
                if (c.model, c.snapshot) == (model, snapshot)
            ),
            None,
        )

    def register(
        self,
        bundle: Bundle,
        uri: str,
        *,
        run: str,
        params: Mapping[str, object],
        evaluation: Evaluation,
        verdict: Verdict,
        commit: str = "",
    ) -> Registration:
        """See ModelRegistry."""
        name = bundle.manifest.workload
        verdict.require_passed(name)
        with tracking(self._settings, writes=True) as client:
            version = _the_one_version(client, bundle)
            if version is None:
                tags = lineage_tags(bundle, run, commit)
                evidence = self._open_run(client, name, tags)
                _write_evidence(client, evidence, flat_params(params), evaluation)
                made = _create(client, name, uri, evidence, tags, description(bundle, verdict))
                version = _the_one_version(client, bundle) or made
            _close_run(client, version)
            champion = _crown_the_first(client, name, int(version.version))
        # A step that was killed and tried again has registered what its own run made.
        new = version.tags.get("run") == run
        say("version_created" if new else "version_found", name=name, version=int(version.version))
        return Registration(
            outcome="registered" if new else "unchanged",
            name=name,
            version=int(version.version),
            digest=version.tags["digest"],
            uri=version.source or "",
            champion=champion,
        )

    def champion(self, name: str) -> str | None:
        """See ModelRegistry."""
        if nothing_registered(self._settings):
            return None
        with tracking(self._settings) as client:
            number = champion_version(client, name)
            if number is None:
                return None
            tags: dict[str, str] = client.get_model_version(name, str(number)).tags
        if "digest" not in tags:
            raise RegistryError(
                f"version {number} of {name!r} is the champion but names no bundle",
                where=address(self._settings),
                expected="a version that Millrace registered, with the tag `digest`",
                remedy=f"move the alias {CHAMPION!r} to one of `millrace candidates`",
            )
        return tags["digest"]

    def promote(self, name: str, digest: str) -> None:
        """See ModelRegistry."""
        known = next((c for c in self.candidates(name) if c.digest == digest), None)
        if known is None:
            raise RegistryError(
                f"no version of {name!r} names this bundle",
                where=address(self._settings),
                found=digest,
                remedy="see `millrace candidates`; what serves is as the deploy repository says",
            )
        if not known.champion:
            with tracking(self._settings, writes=True) as client:
                client.set_registered_model_alias(name, CHAMPION, str(known.version))
            say("champion_moved", name=name, version=known.version)

    def candidates(self, name: str) -> list[Candidate]:
        """See ModelRegistry."""
        if nothing_registered(self._settings):
            return []
        with tracking(self._settings) as client:
            versions = ours(client, name)
            if not versions:
                return []
            champion = champion_version(client, name)
            metrics = metrics_by_run(client, name)
            return [candidate(v, champion, metrics.get(v.run_id or "", {})) for v in versions]

    def names(self) -> list[str]:
        """See ModelRegistry."""
        if nothing_registered(self._settings):
            return []
        with tracking(self._settings) as client:
            return workloads(client)

    def version(self, name: str, version: int) -> Candidate:
        """See ModelRegistry."""
        found = self.candidates(name)
        for known in found:
            if known.version == version:
                return known
        numbers = ", ".join(str(known.version) for known in found)
        raise RegistryError(
            f"there is no version {version} of {name!r}",
            where=address(self._settings),
            expected=f"one of {numbers}" if found else "",
            remedy="see `millrace candidates`" if found else "register one with `millrace run`",
        )

    def _open_run(self, client: MlflowClient, name: str, tags: dict[str, str]) -> str:
        """Start an MLflow run and return its id, after closing those that a kill left open."""
        experiment = self._experiment(client, experiment_name(name))
        left_open = f"tags.digest = '{tags['digest']}' and attributes.status = 'RUNNING'"
        for left in client.search_runs([experiment], left_open):
            client.set_terminated(left.info.run_id, "KILLED")
        run = client.create_run(experiment, tags=tags, run_name=tags.get("run"))
        return str(run.info.run_id)

    def _experiment(self, client: MlflowClient, title: str) -> str:
        """Return the id of an experiment, which is made if there is none."""
        artifacts = None  # a server knows where
        if not self._settings.mlflow_tracking_uri.startswith("http"):
            artifacts = (self._settings.home.resolve() / "mlflow-artifacts").as_uri()
        if client.get_experiment_by_name(title) is None:
            with _unless(EXISTING):
                return str(client.create_experiment(title, artifact_location=artifacts))
        found = client.get_experiment_by_name(title)
        assert found is not None  # it was there, or another process has just made it
        return str(found.experiment_id)


def _write_evidence(
    client: MlflowClient, run_id: str, params: dict[str, str], evaluation: Evaluation
) -> None:
    from mlflow.entities import Metric, Param

    now = int(datetime.now(UTC).timestamp() * 1000)
    client.log_batch(
        run_id,
        metrics=[Metric(name, value, now, 0) for name, value in flat_metrics(evaluation).items()],
        params=[Param(name, value) for name, value in params.items()],
    )


def _the_one_version(client: MlflowClient, bundle: Bundle) -> ModelVersion | None:
    """Return the oldest version of the bundle's model and snapshot, and delete any other.

    Two registrations at the same time may each create one; both come here afterwards.
    """
    card = bundle.card
    same = same_versions(client, card.workload, card.model, card.lineage.snapshot)
    for twin in same[1:]:
        with _unless(MISSING):
            client.delete_model_version(twin.name, str(twin.version))
        if twin.run_id:
            client.set_terminated(twin.run_id, "KILLED")
    return same[0] if same else None


def _create(
    client: MlflowClient, name: str, uri: str, run_id: str, tags: dict[str, str], told: str
) -> ModelVersion:
    with _unless(EXISTING):
        client.create_registered_model(name)
    return client.create_model_version(
        name, uri, run_id, tags=tags, description=told, await_creation_for=0
    )


def _close_run(client: MlflowClient, version: ModelVersion) -> None:
    """End the MLflow run of a version, which a kill may have left open."""
    with _unless(MISSING):  # somebody may have deleted it
        if version.run_id and client.get_run(version.run_id).info.status != "FINISHED":
            client.set_terminated(version.run_id, "FINISHED")


def _crown_the_first(client: MlflowClient, name: str, version: int) -> bool:
    """Make a workload's only version its champion; return whether this version is the champion."""
    from mlflow.exceptions import MlflowException

    champion = champion_version(client, name)
    if champion is None and [int(known.version) for known in ours(client, name)] == [version]:
        try:
            client.set_registered_model_alias(name, CHAMPION, str(version))
        except MlflowException:
            if champion_version(client, name) is None:  # else another process was quicker
                raise
        champion = champion_version(client, name)
    return champion == version


@contextmanager
def _unless(code: str) -> Iterator[None]:
    """Pass over one of MLflow's error codes: another process was quicker."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        if error.error_code != code:
            raise
