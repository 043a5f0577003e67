"""Requests as bytes, encoded before the load begins."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, str | int | float | None]
"""One row of a request: features and entity keys by name; None means missing."""
Types = Mapping[str, str]
"""Open Inference Protocol datatype of each input by name: FP32, BYTES, INT32 or INT64."""

_CONTENTS = {
    "FP32": "fp32_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "BYTES": "bytes_contents",
}


def v2_body(rows: Sequence[Row], types: Types) -> bytes:
    """Return rows that have the same names as a v2 request: a column of shape [n, 1] a name."""
    inputs = [
        {
            "name": name,
            "datatype": types[name],
            "shape": [len(rows), 1],
            "data": [row[name] for row in rows],
        }
        for name in rows[0]
    ]
    return json.dumps({"inputs": inputs}).encode()


def v1_body(rows: Sequence[Row]) -> bytes:
    """Return rows as a v1 request: an object a row."""
    return json.dumps({"instances": [dict(row) for row in rows]}).encode()


def grpc_message(model: str, rows: Sequence[Row], types: Types) -> bytes:
    """Return rows that have the same names as a serialized ModelInferRequest."""
    from serving.predictor.oip_messages import ModelInferRequest

    request = ModelInferRequest(model_name=model)
    for name in rows[0]:
        tensor = request.inputs.add(name=name, datatype=types[name], shape=[len(rows), 1])
        values = getattr(tensor.contents, _CONTENTS[types[name]])
        values.extend(_plain(row[name], types[name]) for row in rows)
    content: bytes = request.SerializeToString()
    return content


def post(host: str, path: str, body: bytes) -> bytes:
    """Return a whole HTTP/1.1 request with a JSON body."""
    head = (
        f"POST {path} HTTP/1.1\r\nhost: {host}\r\nuser-agent: millrace-traffic\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode("latin-1") + body


def get(host: str, path: str) -> bytes:
    """Return a whole HTTP/1.1 request without a body."""
    head = f"GET {path} HTTP/1.1\r\nhost: {host}\r\nuser-agent: millrace-traffic\r\n\r\n"
    return head.encode("latin-1")


def _plain(value: str | int | float | None, datatype: str) -> Any:
    """Return a value as a message holds it; it has no null, so missing is NaN or ''."""
    if datatype == "BYTES":
        return b"" if value is None else str(value).encode()
    return float("nan") if value is None else value
