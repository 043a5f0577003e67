"""JSON bodies as typed structures; what does not fit is told with its JSON pointer."""

from __future__ import annotations

import re
from typing import Generic, TypeVar

import msgspec

from serving.predictor.faults import ClientFault, bad_input, pointer_token

T = TypeVar("T")

_PLACE = re.compile(r" - at `(?:key in )?\$(.*)`$", re.DOTALL)
_STEP = re.compile(r"\[(\d+|\.\.\.)\]|\.([^.\[]+)")


class Decoder(Generic[T]):
    """Decodes bodies of one type."""

    def __init__(self, kind: type[T]) -> None:
        self._decode = msgspec.json.Decoder(kind).decode

    def __call__(self, body: bytes) -> T:
        """Return what a body says.

        Raises:
            ClientFault: it is no JSON, is nested too deeply, or is of another type.
        """
        try:
            return self._decode(body)
        except msgspec.ValidationError as error:
            raise _misfit(str(error), body) from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise bad_input(f"the body is no JSON: {error}", "") from error
        except RecursionError as error:
            raise bad_input("the body is nested too deeply", "") from error


def _misfit(message: str, body: bytes) -> ClientFault:
    """Return the fault of a validation error, whose message ends with its path."""
    place = _PLACE.search(message)
    if place is None:
        return bad_input(message, "")
    problem = message[: place.start()]
    steps = [match[1] or match[2] for match in _STEP.finditer(place[1])]
    if _ANY_ENTRY in steps:
        steps[steps.index(_ANY_ENTRY) :] = _entry(body, steps[: steps.index(_ANY_ENTRY)], problem)
    return bad_input(problem, "".join("/" + pointer_token(step) for step in steps))


def _entry(body: bytes, steps: list[str], problem: str) -> list[str]:
    """Return the name of the entry of an object that is the fault: msgspec does not say which.

    Args:
        body: the whole body.
        steps: names and places that lead to the object.
        problem: what msgspec says, which ends with the kind of value that was found.
    """
    try:
        found = msgspec.json.decode(body)
        for step in steps:
            found = found[int(step) if isinstance(found, list) else step]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, LookupError, TypeError):
        return []  # the body is broken further on, or says a name twice
    entries = found.items() if isinstance(found, dict) else ()
    kind = _KINDS.get(problem.rpartition("got ")[2])
    return next(([name] for name, value in entries if type(value) is kind), [])


_ANY_ENTRY = "..."
_KINDS = {"`array`": list, "`object`": dict, "`null`": type(None)}
"""Values that no object of ours holds where msgspec would have to name the entry."""
