"""How a place of a document and the nearest known word are told."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

Place = tuple[str | int, ...]
"""Keys and indices from the top of a document."""

MISFIT = "misfit"
"""Type of pydantic's error for a value that does not fit another part of the document."""
MISPLACED = "misplaced"
"""Type of pydantic's error for a part that does not go with another part of the document."""
KEYED = "keyed"
"""Type of pydantic's error for a mapping that none of a union's keys tells the kind of."""


def dotted(place: Place) -> str:
    """Return a place as people write it, such as `spec.gates[4].gap`."""
    text = ""
    for step in place:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def did_you_mean(value: Any, known: Iterable[str]) -> str:
    """Return `did you mean 'x'?` for the known word most like this one; '' if none is like it."""
    near = nearest(value, known)
    return f"did you mean {near!r}?" if near else ""


def nearest(value: Any, known: Iterable[str]) -> str:
    """Return the known word most like this one; '' if none is like it."""
    folded = {word.casefold(): word for word in reversed(list(known))}
    near = difflib.get_close_matches(str(value).casefold(), folded, n=1, cutoff=0.5)
    return folded[near[0]] if near else ""
