"""CloudEvents over HTTP: an event in binary mode as the JSON that it is in structured mode."""

from __future__ import annotations

import json
from collections.abc import Iterable
from urllib.parse import unquote

BATCH = "application/cloudevents-batch+json"
STRUCTURED = "application/cloudevents"
_JSON = "application/json"


def attributes_of(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the attributes that headers tell; their names are in lower case."""
    told: dict[str, str] = {}
    content_type = _JSON
    for name, text in headers:
        if name.startswith("ce-"):
            told[name[3:]] = unquote(text)
        elif name == "content-type":
            content_type = text
    told["datacontenttype"] = content_type
    return told


def with_data(attributes: dict[str, str], content: bytes) -> bytes:
    """Return an event in JSON, on one line without its end; the data are JSON."""
    return json.dumps(attributes).encode()[:-1] + b', "data": ' + on_one_line(content) + b"}"


def on_one_line(content: bytes) -> bytes:
    """Return JSON without line ends: within JSON they are no part of a text."""
    return content.replace(b"\r", b" ").replace(b"\n", b" ")
