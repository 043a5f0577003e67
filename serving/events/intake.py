"""Events as they come over HTTP: one in binary or structured mode, or a batch of them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping

import msgspec

from millrace.skew.events import EVENT_TYPE
from serving.events.checks import Attributes, Refused, check, check_data, decoded, is_predictors
from serving.events.cloudevents import BATCH, STRUCTURED, attributes_of, on_one_line, with_data
from serving.events.halves import RESPONSE_TYPE, Half, Kind

_KINDS: dict[str, Kind] = {EVENT_TYPE: "request", RESPONSE_TYPE: "response"}


class Whole(msgspec.Struct, frozen=True):
    """An event of our predictor: it has everything, and is kept as it came."""

    namespace: str
    service: str
    line: bytes


class _Structured(Attributes):
    """An event in JSON."""

    data: msgspec.Raw = msgspec.Raw()
    data_base64: str | None = None


_batch = msgspec.json.Decoder(list[msgspec.Raw]).decode
_structured = msgspec.json.Decoder(_Structured).decode


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
        return [_alone(one) for one in decoded(_batch, body)]
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
    told = decoded(_structured, content)
    check(told)
    if is_predictors(told):
        check_data(bytes(told.data))
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
    attributes = msgspec.convert(told, Attributes)
    check(attributes)
    if is_predictors(attributes):
        check_data(body)
        line = with_data(told, body)
        return Whole(attributes.namespace, attributes.inferenceservicename, line)
    return _half(attributes, body)


def _half(told: Attributes, body: bytes) -> Half:
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
