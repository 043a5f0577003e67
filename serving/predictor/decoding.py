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
            raise _misfit(str(error)) from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise bad_input(f"the body is no JSON: {error}", "") from error
        except RecursionError as error:
            raise bad_input("the body is nested too deeply", "") from error


def _misfit(message: str) -> ClientFault:
    """Return the fault of a validation error, whose message ends with its path."""
    place = _PLACE.search(message)
    if place is None:
        return bad_input(message, "")
    steps = (match[1] or match[2] for match in _STEP.finditer(place[1]))
    pointer = "".join("/" + pointer_token(step) for step in steps if step != "...")
    return bad_input(message[: place.start()], pointer)
