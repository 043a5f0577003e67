"""What a lookup plan means for the stores: decoders and key writers, made once at start."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from millrace.features.lookup import LookupPlan, ViewLookup
from serving.predictor.lookup.base import OnlineStoreDown, Value, Values
from serving.predictor.lookup.keys import key_writer
from serving.predictor.lookup.values import value_reader

KEY_VERSION = 3


@dataclass(frozen=True)
class FieldReading:
    """One feature of a view.

    Attributes:
        name: its name.
        read: decodes its value.
    """

    name: str
    read: Callable[[bytes], Value]


@dataclass(frozen=True)
class ViewReading:
    """One view of the plan.

    Attributes:
        name: its name.
        parts: names of its join keys, sorted.
        key: makes the bytes of an entity's key.
        fields: its features.
        ttl: seconds after which its values count as missing; 0 for never.
    """

    name: str
    parts: tuple[str, ...]
    key: Callable[[tuple[str | int, ...]], bytes]
    fields: tuple[FieldReading, ...]
    ttl: float


def readings_of(plan: LookupPlan) -> list[ViewReading]:
    """Return how each view of a plan is read, in its order.

    Raises:
        OnlineStoreDown: the plan was written for another kind of entity keys.
    """
    if plan.entity_key_serialization_version != KEY_VERSION:
        raise OnlineStoreDown(
            "the lookup plan asks for another serialization of entity keys",
            found=f"version {plan.entity_key_serialization_version}",
            expected=f"version {KEY_VERSION}",
            remedy="export the model again",
        )
    return [_reading(view) for view in plan.views]


def empty_columns(views: Sequence[ViewReading], rows: int) -> dict[str, Values]:
    """Return columns of missing values for all fields of some views."""
    return {field.name: [None] * rows for view in views for field in view.fields}


def is_expired(view: ViewReading, seconds: float) -> bool:
    """Return whether what holds since a time is older than the view allows, as in training."""
    return time.time() - seconds > view.ttl


def _reading(view: ViewLookup) -> ViewReading:
    return ViewReading(
        name=view.view,
        parts=tuple(key.name for key in view.join_keys),
        key=key_writer(view.join_keys),
        fields=tuple(FieldReading(field.name, value_reader(field.type)) for field in view.fields),
        ttl=view.ttl_seconds,
    )
