"""What the feature store holds after a run."""

from __future__ import annotations

from millrace.documents import Document


class ViewState(Document):
    """One feature view."""

    name: str
    rows: int
    """Rows of its offline table."""
    added: int
    """Rows that this run added to it or corrected."""
    materialized: int
    """Rows that this run brought to the online store."""
    digest: str
    """SHA-256 of what training as of that time can see of it, and of what its columns mean."""


class FeatureState(Document):
    """What training as of one time can see."""

    views: list[ViewState]
    digest: str
    """SHA-256 of the digests of all views."""
