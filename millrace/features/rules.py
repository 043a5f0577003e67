"""What an entity or a feature view must be like, so that training and serving can use it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from millrace.errors import WorkloadError
from millrace.export.manifest import outputs_for
from millrace.features.lookup import ViewLookup
from millrace.workload.code import nearest
from millrace.workload.contract import Column
from millrace.workload.target import Target

_KEY_TYPES = {
    "STRING": ("string", "category"),
    "INT32": ("integer",),
    "INT64": ("integer",),
}
_FIELD_TYPES = {
    "STRING": "String",
    "BOOL": "Bool",
    "INT32": "Int32",
    "INT64": "Int64",
    "FLOAT": "Float32",
    "DOUBLE": "Float64",
}


def check_entity(entity: Any, columns: Mapping[str, Column], where: str) -> None:
    """Hold an entity's join key to the contract.

    Raises:
        WorkloadError: it is not a column of the contract, may be missing, or has another type.
    """
    key = entity.join_key
    start = f"the join key {key!r} of the entity {entity.name!r}"
    if key not in columns:
        raise WorkloadError(
            f"{start} is not a column of the contract",
            where=where,
            expected=f"one of {', '.join(columns)}",
            remedy=nearest(key, list(columns)) or "add the column to the contract",
        )
    if columns[key].nullable:
        raise WorkloadError(
            f"{start} may be missing",
            where=where,
            remedy=f"remove `nullable` from the contract's column {key!r}",
        )
    fitting = [name for name, types in _KEY_TYPES.items() if columns[key].type in types]
    if entity.value_type.name not in fitting:
        expected = " or ".join(f"ValueType.{name}" for name in fitting)
        raise WorkloadError(
            f"{start} has another type than the contract's column, which is {columns[key].type}",
            where=where,
            found=f"value_type=ValueType.{entity.value_type.name}",
            expected=expected or "a column of type string, category or integer",
            remedy=f"give the entity value_type={expected}" if fitting else "use another column",
        )


def check_view(
    view: Any, entities: Mapping[str, Any], feast: Any, *, timed: bool, where: str
) -> None:
    """Hold a feature view to what the platform fills and serves.

    Args:
        view: the Feast feature view.
        entities: the workload's entities by name.
        feast: the module.
        timed: whether the workload has event times.
        where: the file it stands in, for messages.

    Raises:
        WorkloadError: an entity, the source, the time to live or a field cannot be used.
    """
    start = f"the feature view {view.name!r}"
    for name in view.entities:
        if name not in entities:
            raise WorkloadError(
                f"{start} is about an entity that the workload does not name",
                where=where,
                found="none" if name.startswith("__") else repr(name),
                expected=f"one of {', '.join(entities)}",
                remedy="give the view entities=[...], or add it to `entities` in workload.yaml",
            )
    if view.ttl and not timed:
        raise WorkloadError(
            f"{start} has a ttl, but the workload has no clock",
            where=where,
            found=f"{view.ttl.total_seconds():g} seconds",
            remedy="remove it: a value holds until it changes",
        )
    _check_source(view, feast, start, where)
    _check_fields(view, start, where)


def _check_source(view: Any, feast: Any, start: str, where: str) -> None:
    source = view.stream_source or view.batch_source
    if type(source) is not feast.FileSource or source.field_mapping:
        raise WorkloadError(
            f"{start} needs a plain FileSource, which the platform fills",
            where=where,
            found=type(source).__name__ if source is not None else "no source",
            remedy=f'write source=FileSource(path="{view.name}.parquet", '
            'timestamp_field="event_timestamp")',
        )
    if source.timestamp_field not in ("", "event_timestamp"):
        raise WorkloadError(
            f"{start} has another timestamp_field than feature rows have",
            where=where,
            found=repr(source.timestamp_field),
            expected="'event_timestamp'",
            remedy="rename it",
        )


def _check_fields(view: Any, start: str, where: str) -> None:
    if not view.features:
        raise WorkloadError(
            f"{start} has no fields", where=where, remedy="give it a schema=[Field(...), ...]"
        )
    for field in view.features:
        if field.dtype.to_value_type().name not in _FIELD_TYPES:
            raise WorkloadError(
                f"the field {field.name!r} of {start} has a type that cannot be served",
                where=where,
                found=str(field.dtype),
                expected=f"one of {', '.join(_FIELD_TYPES.values())}",
                remedy="change its dtype, or make several fields of it",
            )


def check_names(views: list[ViewLookup], keys: set[str], target: Target, where: str) -> None:
    """Hold the names of features to be unique and free to use as inputs of a model.

    Args:
        views: the views whose fields become inputs.
        keys: names of join keys and of the timestamp column.
        target: what is predicted.
        where: the file they stand in, for messages.

    Raises:
        WorkloadError: a name stands twice or is taken by something else.
    """
    taken = dict.fromkeys(keys, "a join key or the timestamp")
    taken |= {target.column: "the target, which would give the answer away"}
    taken |= _outputs(target)
    for view in views:
        for field in view.fields:
            if field.name in taken or field.name.startswith("__"):
                used = taken.get(field.name, "the platform's own: it begins with '__'")
                raise WorkloadError(
                    f"the field {field.name!r} of {view.view!r} needs another name",
                    where=where,
                    found=f"a name that is {used}",
                    expected="a name that only this feature has",
                    remedy="rename the field",
                )
            taken[field.name] = f"a field of {view.view!r}"


def check_brought(
    names: Sequence[str],
    views: Sequence[ViewLookup],
    keys: Mapping[str, str],
    target: Target,
    where: str,
) -> None:
    """Hold the columns that requests bring to names that mean one thing.

    A text may be a join key too: it is one input then, which is read as both.

    Args:
        names: the columns.
        views: the views whose fields become inputs.
        keys: Feast value type of each join key by name.
        target: what is predicted.
        where: the file they stand in, for messages.

    Raises:
        WorkloadError: a name is taken by something else.
    """
    taken = _outputs(target)
    taken |= {field.name: f"a field of {view.view!r}" for view in views for field in view.fields}
    taken |= {key: "a join key that is no text" for key, kind in keys.items() if kind != "STRING"}
    for name in names:
        if name in taken or name.startswith("__"):
            used = taken.get(name, "the platform's own: it begins with '__'")
            raise WorkloadError(
                f"`request` names the column {name!r}, which cannot be an input of the model",
                where=where,
                found=f"a name that is {used}",
                expected="a name that only this input has, or that of a join key of type STRING",
                remedy="take it out of `request`, or rename one of them",
            )


def _outputs(target: Target) -> dict[str, str]:
    return {output.name: "the model's output" for output in outputs_for(target.levels)}
