"""The lookup plan: which keys of the online store serving reads for which inputs."""

from __future__ import annotations

from typing import Literal

from millrace.documents import Document


class JoinKey(Document):
    """One part of an entity's key."""

    name: str
    type: Literal["STRING", "INT32", "INT64"]
    """Feast value type that the key is serialized as."""


class LookupField(Document):
    """One feature of a view."""

    name: str
    type: str
    """Feast value type, such as DOUBLE."""


class ViewLookup(Document):
    """How one feature view is read."""

    view: str
    join_keys: list[JoinKey]
    """In the order in which Feast serializes them: sorted by name."""
    fields: list[LookupField]
    ttl_seconds: float = 0
    """Age after which a value counts as missing; 0 for never."""


class LookupPlan(Document):
    """What stands in `lookup.json`."""

    project: str
    """Feast project: the workload's name."""
    entity_key_serialization_version: int = 3
    views: list[ViewLookup]
