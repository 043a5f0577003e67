"""Events as they come over HTTP: one in binary or structured mode, or a batch of them."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from millrace.skew.events import EVENT_TYPE
from serving.events.cloudevents import BATCH, STRUCTURED, attributes_of, on_one_line, with_data
from serving.events.halves import RESPONSE_TYPE, Half, Kind

Reason = Literal["attributes", "names", "json", "data", "media", "size", "late", "busy", "disk"]
_KINDS: dict[str, Kind] = {EVENT_TYPE: "request", RESPONSE_TYPE: "response"}
_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
"""RFC 1123's labels, which names of namespaces and of InferenceServices are."""
_PREDICTOR = re.compile(r"/models/[^/]+/versions/[^/]+")
"""The source of our predictor's events."""
_LONGEST_ID = 1024


class Refused(Exception):  # noqa: N818
    """What is no event that can be kept."""

    def __init__(self, reason: Reason, message: str) -> None:
        self.reason = reason
        super().__init__(message)


class Whole(msgspec.Struct, frozen=True):
    """An event of our predictor: it has everything, and is kept as it came."""

    namespace: str
    service: str
    line: bytes


class _Attributes(msgspec.Struct, gc=False):
    """What the attributes of an event in JSON say, as far as it matters here."""

    id: str = ""
    type: str = ""
    specversion: str = ""
    source: str = ""
    namespace: str = ""
    inferenceservicename: str = ""
    component: str = ""
    endpoint: str = ""
    time: str = ""


class _Structured(_Attributes):
    """An event in JSON."""

    data: msgspec.Raw = msgspec.Raw()
    data_base64: str | None = None


class _Parameters(msgspec.Struct, gc=False):
    bundle_digest: str


class _Data(msgspec.Struct, gc=False):
    """What our predictor tells in each event, and those who read them rely on."""

    model_name: str
    parameters: _Parameters
    id: str
    origins: str | dict[str, str | list[str]]
    instances: list[dict[str, str | float | None]]
    predictions: list[Any]
    keys: dict[str, list[str | int | None]] = {}


_batch = msgspec.json.Decoder(list[msgspec.Raw]).decode
_structured = msgspec.json.Decoder(_Structured).decode
_data = msgspec.json.Decoder(_Data).decode
_Moment = Annotated[datetime, msgspec.Meta(tz=True)]


def read_events(headers: Mapping[str, str], body: bytes) -> Iterable[Whole | Half | Refused]:
    """Return the events of a request; of those that cannot be kept, why.

    Args:
        headers: by name in lower case.
        body: the request's.

    Raises:
        Refused: there are none at all.
    """
    kind = headers.get("content-type", "").lower()
    if kind.startswith(BATCH):
        return [_alone(one) for one in _decoded(_batch, body)]
    if not kind.startswith(STRUCTURED):
        return [_binary(headers, body)]
    if not kind.startswith(f"{STRUCTURED}+json"):
        raise Refused("media", "events are told in JSON")
    return [_in_json(body)]


def _alone(content: msgspec.Raw) -> Whole | Half | Refused:
    try:
        return _in_json(bytes(content))
    except Refused as refused:
        return refused


def _in_json(content: bytes) -> Whole | Half:
    told = _decoded(_structured, content)
    _check(told)
    if _is_predictors(told):
        _check_data(bytes(told.data))
        return Whole(told.namespace, told.inferenceservicename, on_one_line(content))
    return _half(told, _content(told))


def _content(told: _Structured) -> bytes:
    if told.data_base64 is None:
        return bytes(told.data)
    try:
        return base64.b64decode(told.data_base64, validate=True)
    except binascii.Error as error:
        raise Refused("json", "data_base64 is no base64") from error


def _binary(headers: Mapping[str, str], body: bytes) -> Whole | Half:
    told = attributes_of(headers.items())
    attributes = msgspec.convert(told, _Attributes)
    _check(attributes)
    if _is_predictors(attributes):
        _check_data(body)
        line = with_data(told, body)
        return Whole(attributes.namespace, attributes.inferenceservicename, line)
    return _half(attributes, body)


def _decoded(decode: Any, content: bytes) -> Any:
    try:
        content.decode()
        return decode(content)
    except (ValueError, RecursionError) as error:
        raise Refused("json", f"the event cannot be read: {str(error)[:200]}") from error


def _check_data(content: bytes) -> None:
    try:
        _decoded(_data, content)
    except Refused as refused:
        raise Refused("data", str(refused)) from refused


def _check(told: _Attributes) -> None:
    if not 0 < len(told.id) <= _LONGEST_ID:
        raise Refused("attributes", f"an event has an id of 1 to {_LONGEST_ID} characters")
    if told.specversion != "1.0":
        raise Refused("attributes", "the event's specversion is not 1.0")
    if told.type not in _KINDS:
        raise Refused("attributes", f"events are of the types {' and '.join(_KINDS)}")
    if not _is_moment(told.time):
        raise Refused("attributes", "an event has a time, such as 2024-01-31T06:30:00Z")
    for name in ("namespace", "inferenceservicename"):
        if _NAME.fullmatch(getattr(told, name)) is None:
            raise Refused("names", f"the event's {name} is no name of Kubernetes")


def _is_moment(text: str) -> bool:
    try:
        msgspec.convert(text, _Moment)
    except ValueError:
        return False
    return True


def _is_predictors(told: _Attributes) -> bool:
    return told.type == EVENT_TYPE and _PREDICTOR.fullmatch(told.source) is not None


def _half(told: _Attributes, body: bytes) -> Half:
    return Half(
        told.namespace,
        told.inferenceservicename,
        told.id,
        _KINDS[told.type],
        told.source,
        told.component,
        told.endpoint,
        told.time,
        body,
    )
