"""What a model registry does for the platform; each backend is a module of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from millrace.evaluation.result import Evaluation
from millrace.gates.verdict import Verdict
from millrace.registry.bundle import Bundle
from millrace.registry.registration import Candidate, Registration
from millrace.settings import Settings


class ModelRegistry(Protocol):
    """Versions of each workload's bundles, with their lineage; one of them is the champion.

    Every method raises a RegistryError in one line if the registry does not answer.
    """

    def find(self, name: str, *, model: str, snapshot: str) -> Candidate | None:
        """Return the version of this model digest made from this snapshot, if there is one."""
        ...

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
        """Give a published bundle a version, unless the same model of the same snapshot has one.

        It may be killed at any moment and called again: one version comes of it. The first
        version of a workload becomes its champion, which stands in for what serves while nothing
        is released; every later one becomes champion by promotion only.

        Args:
            bundle: a bundle whose verdict passed.
            uri: where it lies.
            run: name of the run that made it.
            params: how it was trained.
            evaluation: what evaluation found.
            verdict: every gate with its evidence.
            commit: Git commit of the code, if it is known.

        Raises:
            GateFailedError: the verdict did not pass.
        """
        ...

    def champion(self, name: str) -> str | None:
        """Return the bundle digest of the workload's champion, or None if it has none."""
        ...

    def promote(self, name: str, digest: str) -> None:
        """Make the version of a bundle the workload's champion; it may be so already.

        Raises:
            RegistryError: no version names this bundle.
        """
        ...

    def candidates(self, name: str) -> list[Candidate]:
        """Return every version of the workload's model, the newest first."""
        ...

    def names(self) -> list[str]:
        """Return the workloads that something was registered for, sorted."""
        ...

    def version(self, name: str, version: int) -> Candidate:
        """Return one version of the workload's model.

        Raises:
            RegistryError: there is no such version.
        """
        ...


def open_registry(settings: Settings) -> ModelRegistry:
    """Return the model registry of an installation; it is asked only once a method is called."""
    from millrace.registry.mlflow_registry import MlflowRegistry

    return MlflowRegistry(settings)
