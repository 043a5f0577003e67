"""Put any text wherever a run could have brought its own, to see what a report makes of it."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from millrace.runs.summary import RunSummary

OURS = {"started", "finished"}
"""Fields that hold text of a checked form."""


def rewritten(summary: RunSummary, text: str) -> RunSummary:
    """Return the summary with every free text and every user's key in it replaced."""
    told = _rewritten(summary, RunSummary, text)
    return RunSummary.model_validate(told.model_dump())


def _rewritten(value: Any, kind: Any, text: str) -> Any:
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        return value.model_copy(
            update={
                name: _rewritten(getattr(value, name), field.annotation, text)
                for name, field in fields.items()
                if name not in OURS
            }
        )
    parts = _parts(kind)
    if isinstance(value, list):
        return [_rewritten(item, parts[0], text) for item in value]
    if isinstance(value, dict):
        key, of = parts if len(parts) == 2 else (str, Any)
        names = [
            name if get_origin(key) is Literal else f"{text}{n}" for n, name in enumerate(value)
        ]
        return {
            name: _rewritten(item, of, text)
            for name, item in zip(names, value.values(), strict=True)
        }
    return text if isinstance(value, str) and get_origin(kind) is not Literal else value


def _parts(kind: Any) -> tuple[Any, ...]:
    """Return what a list or dict holds, also where it may be None."""
    if get_origin(kind) in (list, dict):
        return get_args(kind)
    return next((_parts(k) for k in get_args(kind) if get_origin(k) in (list, dict)), (Any,))
