"""What an event must be to be kept: those who read the files rely on it."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from millrace.skew.events import EVENT_TYPE
from serving.events.halves import RESPONSE_TYPE

Reason = Literal["attributes", "names", "json", "data", "media", "size", "late", "busy", "disk"]
_TYPES = (EVENT_TYPE, RESPONSE_TYPE)
_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
"""RFC 1123's labels, which names of namespaces and of InferenceServices are."""
_PREDICTOR = re.compile(r"/models/[^/]+/versions/[^/]+")
"""The source of our predictor's events."""
_LONGEST_ID = 1024
_Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Refused(Exception):  # noqa: N818
    """What is no event that can be kept."""

    def __init__(self, reason: Reason, message: str) -> None:
        self.reason = reason
        super().__init__(message)


class Attributes(msgspec.Struct, gc=False):
    """What the attributes of an event say, as far as it matters here."""

    id: str = ""
    type: str = ""
    specversion: str = ""
    source: str = ""
    namespace: str = ""
    inferenceservicename: str = ""
    component: str = ""
    endpoint: str = ""
    time: str = ""


class _Parameters(msgspec.Struct, gc=False):
    bundle_digest: str


class _Data(msgspec.Struct, gc=False):
    """What our predictor tells in each event."""

    model_name: str
    parameters: _Parameters
    id: str
    origins: str | dict[str, str | list[str]]
    instances: list[dict[str, str | float | None]]
    predictions: list[Any]
    keys: dict[str, list[str | int | None]] = {}


_data = msgspec.json.Decoder(_Data).decode


def decoded(decode: Any, content: bytes, reason: Reason = "json") -> Any:
    """Return what JSON says.

    Raises:
        Refused: it is none, or not what the decoder expects.
    """
    try:
        content.decode()
        return decode(content)
    except (ValueError, RecursionError) as error:
        raise Refused(reason, f"the event cannot be read: {str(error)[:200]}") from error


def is_predictors(told: Attributes) -> bool:
    """Return whether our predictor sent an event."""
    return told.type == EVENT_TYPE and _PREDICTOR.fullmatch(told.source) is not None


def check(told: Attributes) -> None:
    """Refuse an event by its attributes.

    Raises:
        Refused: one is missing, or cannot be.
    """
    if not 0 < len(told.id) <= _LONGEST_ID:
        raise Refused("attributes", f"an event has an id of 1 to {_LONGEST_ID} characters")
    if told.specversion != "1.0":
        raise Refused("attributes", "the event's specversion is not 1.0")
    if told.type not in _TYPES:
        raise Refused("attributes", f"events are of the types {' and '.join(_TYPES)}")
    if not _is_moment(told.time):
        raise Refused("attributes", "an event has a time, such as 2024-01-31T06:30:00Z")
    for name in ("namespace", "inferenceservicename"):
        if _NAME.fullmatch(getattr(told, name)) is None:
            raise Refused("names", f"the event's {name} is no name of Kubernetes")


def check_data(content: bytes) -> None:
    """Refuse an event of our predictor by its data.

    Raises:
        Refused: they are not what it tells.
    """
    decoded(_data, content, "data")


def _is_moment(text: str) -> bool:
    try:
        msgspec.convert(text, _Moment)
    except ValueError:
        return False
    return True
