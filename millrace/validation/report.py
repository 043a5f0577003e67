"""What validation found: the evidence for taking or rejecting a batch."""

from __future__ import annotations

from typing import Literal

from millrace.documents import Document
from millrace.errors import ContractError


class Finding(Document):
    """One way in which records, or the batch, break the contract."""

    column: str | None = None
    """The column at fault; None for the batch as a whole."""
    problem: str
    """What is wrong, as a clause."""
    records: int = 0
    """How many records it concerns."""
    examples: list[str] = []
    """At most five, as `line 7: 'abc'`."""
    remedy: str = ""
    """What to do about it."""
    rejects: bool = False
    """Whether it rejects the batch as a whole."""


class ColumnProfile(Document):
    """One column of the accepted records."""

    name: str
    type: str
    missing: float
    """Share of missing values, 0 to 1."""
    distinct: int
    low: float | None = None
    median: float | None = None
    high: float | None = None
    top: dict[str, float] = {}
    """Shares of the most frequent values, at most eight; for text and categories."""


class ColumnDrift(Document):
    """How far a column has moved since the snapshot before."""

    name: str
    measure: Literal["ks", "total_variation"]
    """Kolmogorov-Smirnov for numbers, total variation for the rest; 0 the same, 1 disjoint."""
    distance: float


class QualityReport(Document):
    """What validation found in one snapshot."""

    snapshot: str
    parsed: int
    accepted: int
    quarantined: int
    findings: list[Finding] = []
    columns: list[ColumnProfile] = []
    drift: list[ColumnDrift] | None = None
    """Against the last snapshot that kept the contract; None if there is none."""
    quarantine: str | None = None
    """Where the quarantined records lie, with their reasons; None if there are none."""

    @property
    def rejected(self) -> bool:
        """Return whether the batch as a whole is rejected."""
        return any(finding.rejects for finding in self.findings)

    def require_accepted(self, where: str) -> None:
        """Raise a ContractError with every reason if the batch is rejected."""
        reasons = [finding for finding in self.findings if finding.rejects]
        if reasons:
            raise ContractError(
                "the batch is rejected: " + "; ".join(reason.problem for reason in reasons),
                where=where,
                remedy="; ".join(dict.fromkeys(r.remedy for r in reasons if r.remedy)),
            )
