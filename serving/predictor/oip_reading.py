"""Inference requests of the gRPC protocol as the data plane takes them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from serving.predictor.answering import InferRequest, KeyValue
from serving.predictor.faults import ClientFault, bad_input, unknown_input
from serving.predictor.identity import is_fit
from serving.predictor.model import Column, Model
from serving.predictor.oip_messages import ModelInferRequest
from serving.predictor.oip_rows import RowReader
from serving.predictor.outputs import chosen
from serving.predictor.signature import Input
from serving.predictor.tensors import (
    decode_raw,
    decode_text,
    feature_column,
    key_column,
    missing_for_nan,
    rows_of,
)

CONTENTS = {
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
"""Field of InferTensorContents that holds the values of each datatype; FP16 goes raw only."""


class OipReader:
    """Turns messages into requests."""

    def __init__(self, model: Model, max_rows: int) -> None:
        """Set up for requests to a model, of some rows at most."""
        self._max_rows = max_rows
        self._name = model.name
        self._version = model.version
        self._features = model.signature.features
        self._keys = model.signature.keys
        self._known = model.signature.known
        self._outputs = model.signature.outputs
        self._rows = RowReader(model)

    def read(self, content: bytes) -> tuple[InferRequest, bool]:
        """Return the request of a serialized ModelInferRequest, and whether its tensors are raw.

        The request's id is '' if the message has none.

        Args:
            content: the message.

        Raises:
            ClientFault: the message says something that cannot be.
        """
        row = self._rows.read(content)
        if row is not None:
            return InferRequest(row[0], "grpc", 1, row[1], size=len(content)), False
        message = parsed(ModelInferRequest, content)
        self.require_model(message.model_name, message.model_version)
        if message.id and not is_fit(message.id):
            raise bad_input("an id is up to 128 printable characters without spaces", "/id")
        raw = message.raw_input_contents
        if raw and len(raw) != len(message.inputs):
            raise bad_input(
                f"there are {len(raw)} raw contents for {len(message.inputs)} inputs",
                "/raw_input_contents",
            )
        features, keys, rows = self._columns(message.inputs, raw)
        request = InferRequest(message.id, "grpc", rows, features, keys, size=len(content))
        if message.outputs:
            asked = ((output.name, bool(raw)) for output in message.outputs)
            request.wanted = chosen(self._outputs, asked)
        return request, bool(raw)

    def require_model(self, name: str, version: str) -> None:
        """Raise ClientFault unless this model of this version is served; '' means any version."""
        if name != self._name:
            raise ClientFault(404, f"there is no model {name[:60]!r}")
        if version and version != self._version:
            raise ClientFault(404, f"there is no version {version[:60]!r} of {name!r}")

    def _columns(
        self, inputs: Any, raw: Sequence[bytes]
    ) -> tuple[dict[str, Column], dict[str, Sequence[KeyValue | None]], int]:
        features: dict[str, Column] = {}
        keys: dict[str, Sequence[KeyValue | None]] = {}
        rows = 0
        for place, tensor in enumerate(inputs):
            name = tensor.name
            content = raw[place] if raw else None
            found = _rows(tensor, self._max_rows, place)
            if found != rows:
                if rows:
                    raise bad_input(
                        f"{name!r} has {found} rows, the inputs before it have {rows}",
                        f"/inputs/{place}/shape",
                    )
                rows = found
            feature = self._features.get(name)
            if feature is not None and name not in features:
                features[name] = _feature(feature, tensor, content, rows, place)
            elif name in self._keys and name not in keys:
                values, pointer = _values(tensor, content, rows, place)
                keys[name] = key_column(self._keys[name], tensor.datatype, values, pointer)
            else:
                pointer = f"/inputs/{place}/name"
                if feature is not None or name in self._keys:
                    raise bad_input(f"the input {name[:60]!r} comes twice", pointer)
                raise unknown_input(name, self._known, pointer)
        if not rows:
            raise bad_input("there are no inputs", "/inputs")
        return features, keys, rows


def parsed(kind: Any, content: bytes) -> Any:
    """Return a message.

    Raises:
        ClientFault: the bytes are no such message.
    """
    try:
        return kind.FromString(content)
    except (DecodeError, UnicodeDecodeError) as error:
        raise bad_input(f"this is no {kind.DESCRIPTOR.name}", "") from error


def field_path(pointer: str) -> str:
    """Return a JSON pointer as the path of a field, `inputs[1].contents[0]`."""
    path = ""
    for part in pointer.split("/")[1:]:
        if part.isdecimal():
            path += f"[{part}]"
        else:
            path += "." * bool(path) + ("contents" if part == "data" else part)
    return path


def _rows(tensor: Any, max_rows: int, place: int) -> int:
    shape = tensor.shape
    if len(shape) == 2 and shape[0] == 1 == shape[1]:
        return 1
    return rows_of(list(shape), max_rows, f"/inputs/{place}/shape")


def _feature(feature: Input, tensor: Any, content: bytes | None, rows: int, place: int) -> Column:
    """Return the column of a feature; one row of what the model takes as it is goes straight."""
    datatype = tensor.datatype
    if rows == 1 and content is None and datatype == feature.datatype:
        column = _straight(tensor.contents, datatype)
        if column is not None:
            return column
    values, pointer = _values(tensor, content, rows, place)
    return feature_column(feature, datatype, values, pointer)


def _straight(contents: Any, datatype: str) -> Column | None:
    """Return a column of one value, or None to go the long way, which says what is wrong."""
    if datatype == "FP32":
        numbers = contents.fp32_contents
        if len(numbers) == 1 and not math.isinf(numbers[0]):
            column: Column = np.empty((1, 1), np.float32)
            column[0, 0] = numbers[0]
            return column
        return None
    texts = contents.bytes_contents
    if len(texts) == 1:
        try:
            text = texts[0].decode()
        except UnicodeDecodeError:
            return None
        column = np.empty((1, 1), object)
        column[0, 0] = text
        return column
    return None


def _values(tensor: Any, content: bytes | None, rows: int, place: int) -> tuple[list[Any], str]:
    """Return the values of a tensor, None for missing, and the pointer that faults are told by."""
    pointer = f"/inputs/{place}"
    datatype = tensor.datatype
    if content is not None:
        if tensor.HasField("contents"):
            raise bad_input("there are contents and raw contents", pointer + "/contents")
        return decode_raw(datatype, content, rows, pointer), pointer
    name = CONTENTS.get(datatype)
    if name is None:
        problem = "comes raw only" if datatype == "FP16" else "is no datatype of the protocol"
        raise bad_input(f"{datatype[:60]!r} {problem}", pointer + "/datatype")
    contents = getattr(tensor.contents, name)
    if len(contents) != rows:
        raise bad_input(
            f"the shape says {rows} values, there are {len(contents)} in {name}",
            pointer + "/contents",
        )
    values = list(contents)
    if datatype == "BYTES":
        values = [decode_text(value, f"{pointer}/data/{n}") for n, value in enumerate(values)]
    elif datatype in ("FP32", "FP64"):
        values = missing_for_nan(np.array(values, np.float64))
    return values, pointer
