"""A feature view that changes gets a new name: what serves reads the old one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from millrace.errors import FeatureError
from millrace.features.definitions import Definitions, lookup_of
from millrace.features.lookup import LookupPlan, ViewLookup
from millrace.workload.load import Workload


def check_protected(plan: LookupPlan, protected: Sequence[LookupPlan], workload: Workload) -> None:
    """Hold the views of a run to what bundles that serve read.

    Raises:
        FeatureError: a view of the same name has other join keys or fields.
    """
    for other in protected:
        if other.project == plan.project:
            _check_same(plan.views, other.views, "a model that serves reads it as", workload)


def check_registered(feast: Any, definitions: Definitions, workload: Workload) -> None:
    """Hold the views of a run to those in Feast's registry.

    Raises:
        FeatureError: a view of the same name has other join keys or fields.
    """
    entities = {entity.name: entity for entity in feast.list_entities()}
    names = {view.name for view in definitions.views}
    registered = [
        lookup_of(view, entities) for view in feast.list_feature_views() if view.name in names
    ]
    _check_same(
        [view.lookup for view in definitions.views], registered, "it is registered as", workload
    )


def _check_same(
    views: list[ViewLookup], others: list[ViewLookup], reason: str, workload: Workload
) -> None:
    known = {other.view: _shape(other) for other in others}
    for view in views:
        before, now = known.get(view.view, _shape(view)), _shape(view)
        if before != now:
            raise FeatureError(
                f"the feature view {view.view!r} has changed, and {reason} it was",
                where=str(workload.folder / "definitions.py"),
                found=", ".join(sorted(now - before)) or f"no {', '.join(sorted(before - now))}",
                expected=", ".join(sorted(before)),
                remedy=f"give the changed view a new name, such as {view.view}_v2",
            )


def _shape(view: ViewLookup) -> frozenset[str]:
    """Return the columns of a view with their types."""
    keys = {f"{key.name} {key.type}" for key in view.join_keys}
    return frozenset(keys | {f"{field.name} {field.type}" for field in view.fields})
