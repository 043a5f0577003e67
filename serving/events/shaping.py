"""Events in the shape of our predictor's, made of what KServe's logger tells.

What the logger does not know is left out: where features came from, and entity keys. Values that a
server looked up itself are not among the rows.
"""

from __future__ import annotations

import base64
import re
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec

from millrace.skew.events import EVENT_TYPE
from serving.events.cloudevents import on_one_line
from serving.events.halves import TYPES, Half, other
from serving.events.tensors import Asked, Told, read_asked, read_told

_VERSION = re.compile(r"-v[0-9]+\Z")
_encode = msgspec.json.Encoder().encode


class Shaped(NamedTuple):
    """An event as lines of JSON, and whether its content could be read."""

    lines: bytes
    readable: bool


def workload_of(service: str) -> str:
    """Return the workload that an InferenceService is an arm of, or its own name."""
    return _VERSION.sub("", service)


def joined(one: Half, two: Half) -> Shaped:
    """Return the event of both halves, in either order."""
    request, response = (one, two) if one.kind == "request" else (two, one)
    try:
        data = _data(response, read_asked(request.body), read_told(response.body))
    except ValueError:
        return Shaped(_as_it_is(request, {}) + _as_it_is(response, {}), readable=False)
    attributes = _attributes(response)
    if "model_version" in data:
        name, version = quote(data["model_name"]), quote(data["model_version"])
        attributes["source"] = f"/models/{name}/versions/{version}"
    return Shaped(_line({**attributes, "type": EVENT_TYPE}, data), readable=True)


def incomplete(half: Half) -> Shaped:
    """Return the event of a half whose other half did not come."""
    missing: dict[str, str] = {"missing": other(half.kind)}
    try:
        if half.kind == "request":
            data = _data(half, read_asked(half.body), Told())
        else:
            data = _data(half, None, read_told(half.body))
    except ValueError:
        return Shaped(_as_it_is(half, missing), readable=False)
    return Shaped(_line({**_attributes(half), **missing}, data), readable=True)


def _data(half: Half, asked: Asked | None, told: Told) -> dict[str, Any]:
    """Return an event's data, in the order in which our predictor tells them.

    Raises:
        ValueError: there are no rows to tell.
    """
    rows = [] if asked is None else asked.rows()
    predictions = told.rows() if half.kind == "response" else []
    if asked is not None and half.kind == "response" and len(rows) != len(predictions):
        raise ValueError("there are more rows than predictions, or fewer")
    data: dict[str, Any] = {"model_name": told.model_name or workload_of(half.service)}
    if told.model_version:
        data["model_version"] = told.model_version
    if told.parameters:
        data["parameters"] = told.parameters
    data["id"] = told.id or half.id
    if asked is not None:
        data["instances"] = rows
    if half.kind == "response":
        data["predictions"] = predictions
    return data


def _attributes(half: Half) -> dict[str, str]:
    told = {
        "specversion": "1.0",
        "type": TYPES[half.kind],
        "source": half.source,
        "inferenceservicename": half.service,
        "namespace": half.namespace,
        "component": half.component,
        "endpoint": half.endpoint or "default",  # in Standard mode the logger names none
        "datacontenttype": "application/json",
        "id": half.id,
        "time": half.time,
    }
    return {name: text for name, text in told.items() if text}


def _as_it_is(half: Half, more: dict[str, str]) -> bytes:
    """Return a half of which nobody knows what it tells, marked as unreadable."""
    attributes = {**_attributes(half), **more, "unreadable": "true"}
    try:
        msgspec.json.decode(half.body)
        half.body.decode()
    except (ValueError, RecursionError):
        attributes["datacontenttype"] = "application/octet-stream"
        return _encode({**attributes, "data_base64": base64.b64encode(half.body).decode()}) + b"\n"
    return _line(attributes, msgspec.Raw(on_one_line(half.body)))


def _line(attributes: dict[str, str], data: Any) -> bytes:
    return _encode({**attributes, "data": data}) + b"\n"
