"""What the registry says of a bundle."""

from __future__ import annotations

from typing import Literal

from millrace.documents import Document


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
