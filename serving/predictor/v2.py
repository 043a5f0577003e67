"""Requests in the Open Inference Protocol's JSON, with its binary extension."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from serving.predictor.answering import InferRequest, KeyValue
from serving.predictor.decoding import Decoder
from serving.predictor.faults import bad_input, unknown_input
from serving.predictor.identity import is_fit
from serving.predictor.model import Column
from serving.predictor.outputs import chosen
from serving.predictor.signature import Signature
from serving.predictor.tensors import decode_raw, feature_column, key_column, rows_of

Parameters = dict[str, str | int | float | bool]


class Tensor(msgspec.Struct, gc=False):
    """One input of a request."""

    name: str
    shape: list[int]
    datatype: str
    data: list[Any] | None = None
    parameters: Parameters | None = None


class WantedOutput(msgspec.Struct, gc=False):
    """One output that a request names."""

    name: str
    parameters: Parameters | None = None


class Body(msgspec.Struct, gc=False):
    """An inference request."""

    inputs: list[Tensor]
    id: str | None = None
    parameters: Parameters | None = None
    outputs: list[WantedOutput] | None = None


class V2Reader:
    """Turns bodies into requests."""

    def __init__(self, signature: Signature, max_rows: int) -> None:
        self._max_rows = max_rows
        self._features = signature.features
        self._keys = signature.keys
        self._known = signature.known
        self._outputs = signature.outputs
        self._decode = Decoder(Body)

    def read(
        self, content: bytes, json_size: int | None, request_id: str
    ) -> tuple[InferRequest, bool]:
        """Return the request of a body, and whether its answer shall be binary.

        Args:
            content: the body.
            json_size: bytes of JSON at its start, if binary tensors may follow.
            request_id: the request's id if the body has none.

        Raises:
            ClientFault: the body says something that cannot be.
        """
        body = self._decode(content if json_size is None else content[:json_size])
        if json_size is not None or any(t.data is None for t in body.inputs):
            raw = b"" if json_size is None else content[json_size:]
            _fill_in(body.inputs, raw, self._max_rows)
        if body.id and not is_fit(body.id):
            raise bad_input("an id is up to 128 printable characters without spaces", "/id")
        features, keys, rows = self._columns(body.inputs)
        request = InferRequest(body.id or request_id, "v2", rows, features, keys, size=len(content))
        binary = bool(body.parameters and body.parameters.get("binary_data_output") is True)
        if body.outputs:
            asked = [(output.name, _is_binary(output, binary)) for output in body.outputs]
            request.wanted = chosen(self._outputs, asked)
            binary = any(yes for _, yes in request.wanted)
        return request, binary

    def _columns(
        self, inputs: list[Tensor]
    ) -> tuple[dict[str, Column], dict[str, Sequence[KeyValue | None]], int]:
        features: dict[str, Column] = {}
        keys: dict[str, Sequence[KeyValue | None]] = {}
        rows = 0
        for place, tensor in enumerate(inputs):
            pointer = f"/inputs/{place}"
            name = tensor.name
            if name in features or name in keys:
                raise bad_input(f"the input {name!r} comes twice", pointer + "/name")
            found = rows_of(tensor.shape, self._max_rows, pointer + "/shape")
            if place and found != rows:
                raise bad_input(
                    f"{name!r} has {found} rows, the inputs before it have {rows}",
                    pointer + "/shape",
                )
            rows = found
            values = _values(tensor, pointer)
            feature = self._features.get(name)
            if feature is not None:
                features[name] = feature_column(feature, tensor.datatype, values, pointer)
            elif name in self._keys:
                keys[name] = key_column(self._keys[name], tensor.datatype, values, pointer)
            else:
                raise unknown_input(name, self._known, pointer + "/name")
        if not rows:
            raise bad_input("there are no inputs", "/inputs")
        return features, keys, rows


def _is_binary(output: WantedOutput, default: bool) -> bool:
    parameters = output.parameters or {}
    return parameters["binary_data"] is True if "binary_data" in parameters else default


def _values(tensor: Tensor, pointer: str) -> list[Any]:
    """Return the values of a tensor, without the nesting that its shape allows.

    Raises:
        ClientFault: their number or nesting is not that of the shape.
    """
    values = tensor.data or []
    rows = tensor.shape[0]
    if len(tensor.shape) == 2 and values and type(values[0]) is list:
        for place, row in enumerate(values):
            if type(row) is not list or len(row) != 1:
                raise bad_input("a row is a list of one value", f"{pointer}/data/{place}")
        values = [row[0] for row in values]
    if len(values) != rows:
        raise bad_input(f"the shape says {rows} values, there are {len(values)}", pointer + "/data")
    return values


def _fill_in(inputs: list[Tensor], raw: bytes, max_rows: int) -> None:
    """Give the tensors that came as bytes their values.

    Raises:
        ClientFault: a tensor has neither values nor bytes, or the bytes are not all used.
    """
    start = 0
    for place, tensor in enumerate(inputs):
        pointer = f"/inputs/{place}"
        size = (tensor.parameters or {}).get("binary_data_size")
        if tensor.data is not None:
            if size is not None:
                raise bad_input("there are data and binary data", f"{pointer}/data")
            continue
        if type(size) is not int or size < 0:
            raise bad_input("there are neither data nor a binary_data_size", pointer)
        if start + size > len(raw):
            raise bad_input(
                "the binary data end before this", f"{pointer}/parameters/binary_data_size"
            )
        rows = rows_of(tensor.shape, max_rows, pointer + "/shape")
        tensor.data = decode_raw(tensor.datatype, raw[start : start + size], rows, pointer)
        start += size
    if start != len(raw):
        raise bad_input("there are more binary data than the inputs say", "/inputs")
