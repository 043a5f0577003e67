"""Faults that a person can mend, each told in one line."""

from __future__ import annotations


class MillraceError(Exception):
    """A fault with its place, what was found there, what was expected and what to do.

    Attributes:
        where: the file, column, row, step or address at fault; empty if there is none.
        problem: what is wrong, as a clause without a full stop.
        found: what stood there.
        expected: what should have stood there.
        remedy: what the reader does next.
    """

    def __init__(
        self,
        problem: str,
        *,
        where: str = "",
        found: str = "",
        expected: str = "",
        remedy: str = "",
    ) -> None:
        self.problem = problem
        self.where = where
        self.found = found
        self.expected = expected
        self.remedy = remedy
        super().__init__(str(self))

    def __str__(self) -> str:
        """Return the one line that a user reads: `where: problem; found …; expected …; remedy`."""
        parts = [self.problem]
        if self.found:
            parts.append(f"found {self.found}")
        if self.expected:
            parts.append(f"expected {self.expected}")
        if self.remedy:
            parts.append(self.remedy)
        line = "; ".join(parts)
        return " ".join((f"{self.where}: {line}" if self.where else line).split())

    def as_dict(self) -> dict[str, str]:
        """Return the fault as JSON-ready fields, the error's class under `kind`."""
        return {
            "kind": type(self).__name__,
            "where": self.where,
            "problem": self.problem,
            "found": self.found,
            "expected": self.expected,
            "remedy": self.remedy,
            "message": str(self),
        }


class WorkloadError(MillraceError):
    """The declaration of a workload, or code that it names, is wrong."""


class SourceError(MillraceError):
    """A source cannot be read; nothing of it was taken."""


class ContractError(MillraceError):
    """A batch as a whole breaks the contract."""


class FeatureError(MillraceError):
    """Features cannot be computed, applied or materialized."""


class DatasetError(MillraceError):
    """No training set can be made of these records."""


class TrainingError(MillraceError):
    """Training did not end in a usable model."""


class ExportError(MillraceError):
    """The model cannot be written as one ONNX graph that does what torch does."""


class EvaluationError(MillraceError):
    """A model cannot be scored on the held-out rows."""


class GateFailedError(MillraceError):
    """The candidate failed a gate: nothing is registered."""


class StoreError(MillraceError):
    """The object store, or the disk under it, does not do as asked."""


class RegistryError(MillraceError):
    """The model registry does not answer, or not as expected."""


class PipelineError(MillraceError):
    """A pipeline cannot be compiled or run."""


class DeployError(MillraceError):
    """The deploy repository or its forge does not do as asked; nothing was changed."""


class ConflictError(DeployError):
    """Somebody changed the deploy repository in the meantime; nothing was changed."""


class MergeRefusedError(DeployError):
    """A forge does not allow a merge as things stand, such as without an approval."""


class BranchTakenError(ConflictError):
    """Somebody else pushed to the branch of a pull request."""


class ReleaseError(MillraceError):
    """A release folder says something that cannot be, or a change does not fit it."""


class ServingError(MillraceError):
    """A model cannot be served."""


class GatewayError(MillraceError):
    """The gateway cannot be set up, or does not do as asked."""


class MetricsError(MillraceError):
    """Metrics cannot be read or kept."""


class AnalysisError(MillraceError):
    """Counts that cannot be, or limits that cannot be held to: no canary is judged by them."""
