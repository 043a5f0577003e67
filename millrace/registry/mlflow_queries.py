"""What MLflow knows of a workload's versions, in the platform's words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from millrace.registry.mlflow_fields import own_metrics
from millrace.registry.registration import Candidate

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.tracking.client import MlflowClient

CHAMPION = "champion"
"""Alias of the version that serves."""
_PAGE = 200
_RUNS_PAGE = 1000


def experiment_name(name: str) -> str:
    """Return the name of a workload's experiment."""
    return f"millrace/{name}"


def workloads(client: MlflowClient) -> list[str]:
    """Return the workloads that have an experiment and a version, sorted."""
    names: list[str] = []
    token = None
    while True:
        page = client.search_experiments(
            filter_string=f"name LIKE '{experiment_name('%')}'", page_token=token
        )
        names += [found.name.removeprefix(experiment_name("")) for found in page]
        token = page.token
        if not token:
            return sorted(name for name in names if ours(client, name))


def same_versions(client: MlflowClient, name: str, model: str, snapshot: str) -> list[ModelVersion]:
    """Return the versions of one model digest and snapshot, the oldest first."""
    tagged = f"tags.model_digest = '{model}' and tags.snapshot = '{snapshot}'"
    found = _pages(client, f"name = '{name}' and {tagged}")
    return sorted(found, key=lambda version: int(version.version))


def ours(client: MlflowClient, name: str) -> list[ModelVersion]:
    """Return the versions that Millrace registered, the newest first."""
    found = [version for version in _pages(client, f"name = '{name}'") if "digest" in version.tags]
    return sorted(found, key=lambda version: int(version.version), reverse=True)


def champion_version(client: MlflowClient, name: str) -> int | None:
    """Return the version that the champion's alias names, if there are model and alias."""
    from mlflow.exceptions import MlflowException

    try:
        aliases = client.get_registered_model(name).aliases
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise
    return int(aliases[CHAMPION]) if CHAMPION in aliases else None


def metrics_by_run(client: MlflowClient, name: str) -> dict[str, dict[str, float]]:
    """Return the candidates' own metrics by the id of their MLflow run."""
    experiment = client.get_experiment_by_name(experiment_name(name))
    if experiment is None:
        return {}
    metrics: dict[str, dict[str, float]] = {}
    token = None
    while True:
        page = client.search_runs(
            [experiment.experiment_id], max_results=_RUNS_PAGE, page_token=token
        )
        metrics |= {run.info.run_id: own_metrics(run.data.metrics) for run in page}
        token = page.token
        if not token:
            return metrics


def candidate(version: ModelVersion, champion: int | None, metrics: dict[str, float]) -> Candidate:
    """Return a version as a Candidate."""
    tags = version.tags
    created = datetime.fromtimestamp(version.creation_timestamp / 1000, UTC)
    return Candidate(
        name=version.name,
        version=int(version.version),
        digest=tags["digest"],
        model=tags.get("model_digest", ""),
        uri=version.source or "",
        created=created.isoformat(timespec="seconds"),
        run=tags.get("run", ""),
        champion=int(version.version) == champion,
        metrics=metrics,
        snapshot=tags.get("snapshot", ""),
        signal=tags.get("signal", ""),
    )


def _pages(client: MlflowClient, query: str) -> Iterator[ModelVersion]:
    token = None
    while True:
        page = client.search_model_versions(query, max_results=_PAGE, page_token=token)
        yield from page
        token = page.token
        if not token:
            return
