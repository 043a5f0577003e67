"""What the registry says of a bundle."""

from __future__ import annotations

from typing import Literal

from millrace.documents import Document


class Proposal(Document):
    """The pull request that proposes a candidate."""

    number: int
    title: str
    state: Literal["open", "merged", "closed"]
    draft: bool = False
    url: str = ""
    waits_for: str = ""
    """What a draft waits for; empty if it was there already."""

    def __str__(self) -> str:
        """Return what became of it, in a few words."""
        if self.state == "open" and self.draft:
            waits = f", waits for {self.waits_for}" if self.waits_for else ""
            return f"proposed as draft pull request #{self.number}{waits}"
        if self.state == "open":
            return f"proposed as pull request #{self.number}"
        again = f"once more: `millrace pr again {self.number}`"
        return f"proposed before as pull request #{self.number}, which was {self.state}; {again}"


class Registration(Document):
    """The outcome of registering one bundle."""

    outcome: Literal["registered", "unchanged"]
    """`unchanged` if the same model of the same snapshot has a version already."""
    name: str
    """Name of the registered model: the workload's."""
    version: int
    digest: str
    """Digest of the bundle."""
    uri: str
    """Where the bundle lies: s3://BUCKET/bundles/sha256/DIGEST."""
    champion: bool = False
    """Whether this version is the champion."""
    proposal: Proposal | None = None
    """Its pull request in the deploy repository; None if it serves already, or is on trial."""

    @property
    def note(self) -> str:
        """Return what came of it, in a few words."""
        new = "" if self.outcome == "registered" else ", which was there already"
        proposed = f"; {self.proposal}" if self.proposal else ""
        return f"{self.name} version {self.version}{new}{proposed}"


class Candidate(Document):
    """One version of a workload's model in the registry."""

    name: str
    version: int
    digest: str
    model: str
    uri: str
    created: str
    """ISO 8601, UTC."""
    run: str
    champion: bool
    metrics: dict[str, float]
    snapshot: str
    signal: str
