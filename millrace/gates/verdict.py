"""The verdict on a candidate: every gate with its evidence."""

from __future__ import annotations

from typing import Literal

from millrace.documents import Document
from millrace.errors import GateFailedError


class GateResult(Document):
    """One gate's answer."""

    gate: str
    """What is checked, such as `roc_auc >= 0.83`."""
    outcome: Literal["pass", "fail", "not applicable"]
    evidence: str
    """What was measured, such as `0.846 (95 % interval 0.827 to 0.865)`."""
    value: float | None = None
    """What was held against the limit: for differences and gaps, their interval's lower bound."""
    limit: float | None = None
    """In the unit of the value: seconds, bytes, or the metric's own."""


class Verdict(Document):
    """All gates of one candidate."""

    results: list[GateResult]

    @property
    def passed(self) -> bool:
        """Return whether no gate failed."""
        return all(result.outcome != "fail" for result in self.results)

    @property
    def tally(self) -> str:
        """Return how many gates ended how, such as `8 passed, 1 not applicable`."""
        words = {"pass": "passed", "fail": "failed", "not applicable": "not applicable"}
        outcomes = [result.outcome for result in self.results]
        return ", ".join(
            f"{outcomes.count(outcome)} {word}"
            for outcome, word in words.items()
            if outcome in outcomes
        )

    def require_passed(self, where: str) -> None:
        """Raise a GateFailedError that names every failing gate."""
        failed = [result for result in self.results if result.outcome == "fail"]
        if failed:
            raise GateFailedError(
                f"{len(failed)} of {len(self.results)} gates failed: "
                + "; ".join(f"{result.gate}: {result.evidence}" for result in failed),
                where=where,
                remedy="nothing was registered; read the report, then mend the data, the model "
                "or the gate",
            )
