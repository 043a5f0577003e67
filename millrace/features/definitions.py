"""A workload's feature views: what definitions.py, features.py and workload.yaml say together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

from millrace.dataset.manifest import REQUEST, Feature
from millrace.errors import WorkloadError
from millrace.features.lookup import JoinKey, LookupField, LookupPlan, ViewLookup
from millrace.features.rules import check_brought, check_entity, check_names, check_view
from millrace.workload.code import import_user_module, nearest
from millrace.workload.load import Workload

EVENT_TIMESTAMP = "event_timestamp"
"""Column of the feature rows that says since when they hold."""


@dataclass(frozen=True)
class View:
    """One feature view.

    Attributes:
        lookup: its name, join keys (sorted by name), fields and time to live.
        compute: the function of features.py that returns its rows.
        feast: the Feast object, as the user wrote it.
    """

    lookup: ViewLookup
    compute: Callable[[Any], Any]
    feast: Any

    @property
    def name(self) -> str:
        """Return the view's name."""
        return self.lookup.view

    @property
    def keys(self) -> list[str]:
        """Return the names of its join keys, sorted."""
        return [key.name for key in self.lookup.join_keys]


@dataclass(frozen=True)
class Definitions:
    """Where a workload's features come from.

    Attributes:
        views: its feature views, in the order of `features`.
        entities: its Feast entities.
        brought: the features that requests bring, in the order of `request`.
    """

    views: tuple[View, ...]
    entities: tuple[Any, ...]
    brought: tuple[Feature, ...] = ()

    @property
    def join_keys(self) -> list[str]:
        """Return the names of the columns that identify what a prediction is about, sorted."""
        return sorted({entity.join_key for entity in self.entities})

    @property
    def features(self) -> list[Feature]:
        """Return the inputs of the model: those of the views, then those that requests bring."""
        return [*self.stored, *self.brought]

    @property
    def stored(self) -> list[Feature]:
        """Return the features of the views, in the order of the views and their fields."""
        return [
            Feature(
                name=field.name,
                view=view.name,
                kind="category" if field.type == "STRING" else "number",
            )
            for view in self.views
            for field in view.lookup.fields
        ]


def load_definitions(workload: Workload) -> Definitions:
    """Return the feature views and entities that a workload names.

    Raises:
        WorkloadError: a file or an object is missing, or cannot be used as it is.
    """
    from millrace.features.feast_import import import_feast, quiet

    feast = import_feast()
    with quiet():
        module = import_user_module(workload, "definitions")
    file = workload.folder / "definitions.py"
    known = _by_name(module, feast.Entity, file)
    entities = {
        name: _named(name, known, workload, "entities", file) for name in workload.spec.entities
    }
    for entity in entities.values():
        check_entity(entity, workload.spec.contract.columns, where=str(file))
    written = _by_name(module, feast.FeatureView, file)
    chosen = [_named(name, written, workload, "features", file) for name in workload.spec.features]
    for view in chosen:
        check_view(view, entities, feast, timed=workload.spec.time is not None, where=str(file))
    lookups = [lookup_of(view, entities) for view in chosen]
    keys = [entity.join_key for entity in entities.values()]
    check_names(lookups, {*keys, EVENT_TIMESTAMP}, workload.spec.target, where=str(file))
    types = {entity.join_key: entity.value_type.name for entity in entities.values()}
    check_brought(
        workload.spec.request, lookups, types, workload.spec.target, where=str(workload.file)
    )
    functions = import_user_module(workload, "features")
    views = [
        View(lookup, _function(functions, lookup.view, workload), view)
        for lookup, view in zip(lookups, chosen, strict=True)
    ]
    return Definitions(tuple(views), tuple(entities.values()), _brought(workload))


def lookup_plan(workload: Workload, definitions: Definitions) -> LookupPlan:
    """Return which keys of the online store serving reads for which inputs of the model."""
    return LookupPlan(project=project_of(workload), views=[v.lookup for v in definitions.views])


def project_of(workload: Workload) -> str:
    """Return the workload's Feast project: its name, with underscores, as SQLite tables want."""
    return workload.name.replace("-", "_")


def lookup_of(view: Any, entities: Mapping[str, Any]) -> ViewLookup:
    """Return how a Feast feature view is read from the online store.

    Args:
        view: the feature view.
        entities: Feast entities by name, at least those of the view.
    """
    keys = {entities[name].join_key: entities[name].value_type.name for name in view.entities}
    return ViewLookup(
        view=view.name,
        join_keys=[JoinKey(name=name, type=keys[name]) for name in sorted(keys)],
        fields=[
            LookupField(name=field.name, type=field.dtype.to_value_type().name)
            for field in view.features
        ],
        ttl_seconds=(view.ttl or timedelta(0)).total_seconds(),
    )


def _brought(workload: Workload) -> tuple[Feature, ...]:
    columns = workload.spec.contract.columns
    return tuple(
        Feature(
            name=name,
            view=REQUEST,
            kind="category" if columns[name].type in ("string", "category") else "number",
        )
        for name in workload.spec.request
    )


def _by_name(module: ModuleType, kind: type[Any], file: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for value in vars(module).values():
        if type(value) is kind and found.setdefault(value.name, value) is not value:
            raise WorkloadError(
                f"two objects of {kind.__name__} are named {value.name!r}",
                where=str(file),
                remedy="rename one",
            )
    return found


def _named(name: str, known: dict[str, Any], workload: Workload, key: str, file: Path) -> Any:
    if name not in known:
        kind = {"entities": "entity", "features": "feature view"}[key]
        raise WorkloadError(
            f"`{key}` names the {kind} {name!r}, which {file.name} does not define",
            where=str(workload.file),
            expected=f"one of {', '.join(sorted(known))}" if known else f"an {kind} there",
            remedy=nearest(name, list(known)) or f"define it in {file}",
        )
    return known[name]


def _function(module: ModuleType, name: str, workload: Workload) -> Callable[[Any], Any]:
    function = getattr(module, name, None)
    if not callable(function):
        functions = [
            key
            for key, value in vars(module).items()
            if callable(value) and getattr(value, "__module__", "") == module.__name__
        ]
        raise WorkloadError(
            f"the feature view {name!r} has no function",
            where=str(workload.folder / "features.py"),
            found=", ".join(functions) or "no function",
            expected=f"def {name}(records: pd.DataFrame) -> pd.DataFrame",
            remedy=nearest(name, functions),
        )
    return function  # type: ignore[no-any-return]
