"""What every part of a specification shares: strict, frozen, and quantities with a unit."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from millrace.durations import DURATION, duration_text, read_duration
from millrace.located.words import MISFIT, MISPLACED

_SIZES = {"kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


class Model(BaseModel):
    """A part of a specification: unknown keys are errors, nothing is coerced or changed."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True
    )


def misfit(place: tuple[str | int, ...], value: str, known: Iterable[str], what: str) -> Exception:
    """Return the error for a value that is none of those another part of the specification names.

    A validator of several parts raises it: pydantic itself would tell the place of them all.

    Args:
        place: where the value stands, from the model that is validated.
        value: what stands there.
        known: what may stand there.
        what: what each of those is, such as `a column of the contract`.
    """
    context = {"place": place, "value": value, "known": list(known), "what": what}
    return PydanticCustomError(MISFIT, "{value} is not {what}", context)


def misplaced(place: tuple[str | int, ...], problem: str) -> Exception:
    """Return the error for a part that does not fit another part of the specification.

    Args:
        place: where it stands, from the model that is validated.
        problem: what is wrong with it, as a clause such as `is longer than the window`.
    """
    return PydanticCustomError(MISPLACED, "{problem}", {"place": place, "problem": problem})


def _duration(value: object) -> timedelta:
    return value if isinstance(value, timedelta) else read_duration(str(value))


def _positive(value: timedelta) -> timedelta:
    if not value:
        raise ValueError("no time at all is not enough")
    return value


def _size(value: object) -> int:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(kB|MB|GB|KiB|MiB|GiB)", str(value))
    if match is None:
        raise ValueError(
            "a size is a number with a unit of kB, MB, GB, KiB, MiB or GiB, such as 5MB"
        )
    return int(float(match[1]) * _SIZES[match[2]])


Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    PlainSerializer(duration_text, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": DURATION}),
]
"""A duration such as `50ms`, `24h` or `30d`."""

PositiveDuration = Annotated[Duration, AfterValidator(_positive)]
"""A duration that is more than nothing."""

Size = Annotated[
    int,
    BeforeValidator(_size),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+)?(kB|MB|GB|KiB|MiB|GiB)$"}),
]
"""A size in bytes, written such as `5MB`."""
