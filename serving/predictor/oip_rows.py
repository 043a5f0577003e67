"""One row of features straight from the bytes of a message, without the objects of protobuf.

Most messages say the same in all but a few bytes: model, names, datatypes and shapes are those of
the message before. So tensors are compared as bytes: a number's with what stands before its value,
a category's as a whole with those that came before, for categories have few values. Whatever does
not have this form, wrong messages above all, is left to `OipReader`, which gives the same answer.
"""

from __future__ import annotations

import struct
from math import isinf

import numpy as np
from google.protobuf.message import DecodeError

from serving.predictor.identity import is_fit
from serving.predictor.model import Column, Model
from serving.predictor.oip_messages import ModelInferRequest

SEEN = 4096
"""Tensors of categories that are remembered; those that come later are read each time."""
_ID, _INPUT = b"\x1a", 0x2A
"""Tags of the fields `id` and `inputs`: number and wire type."""
_LONG = 0x80
"""Lengths from here on take more than one byte; such fields are not read here."""
_number = struct.Struct("<f")
_SHAPES = ([1, 1], [1])


class RowReader:
    """Reads messages that bring one row of a model's features, each in the model's own type."""

    def __init__(self, model: Model) -> None:
        """Set up for requests to a model."""
        named = ModelInferRequest(model_name=model.name).SerializeToString()
        version = ModelInferRequest(model_version=model.version).SerializeToString()
        self._heads = (named + version, named)
        self._numbers = {
            _serialized(feature.name, shape)[:-4]: feature.name
            for feature in model.signature.inputs
            if feature.kind == "number"
            for shape in _SHAPES
        }
        self._categories = {
            feature.name for feature in model.signature.inputs if feature.kind == "category"
        }
        self._seen: dict[bytes, tuple[str, Column]] = {}

    def read(self, content: bytes) -> tuple[str, dict[str, Column]] | None:
        """Return id and features of a serialized ModelInferRequest, or None to go the long way."""
        for head in self._heads:
            if content.startswith(head):
                break
        else:
            return None
        at = len(head)
        request_id = ""
        if content[at : at + 1] == _ID:
            start = at + 2
            at = start + int.from_bytes(content[at + 1 : start])
            request_id = content[start:at].decode("latin-1")
            if at >= start + _LONG or not is_fit(request_id):
                return None
        features = self._features(content, at)
        return None if features is None else (request_id, features)

    def _features(self, content: bytes, at: int) -> dict[str, Column] | None:
        """Return the features of the tensors that the message has from a place to its end."""
        features: dict[str, Column] = {}
        number_of, seen, count = self._numbers.get, self._seen.get, 0
        last = len(content) - 1
        while at < last and content[at] == _INPUT and content[at + 1] < _LONG:
            end = at + 2 + content[at + 1]
            name = number_of(content[at : end - 4])
            if name is not None and end <= last + 1:
                value = _number.unpack_from(content, end - 4)[0]
                if isinf(value):
                    return None
                column: Column = np.empty((1, 1), np.float32)
                column[0, 0] = value
            else:
                tensor = content[at:end]
                found = seen(tensor) or self._category(tensor)
                if found is None:
                    return None
                name, column = found
            features[name] = column
            count += 1
            at = end
        whole = at == last + 1 and count == len(features) > 0
        return features if whole else None

    def _category(self, field: bytes) -> tuple[str, Column] | None:
        """Return name and column of a category's tensor; None if it is no such tensor."""
        try:
            tensor = ModelInferRequest.FromString(field).inputs[0]
            (text,) = tensor.contents.bytes_contents
            column: Column = np.array([[text.decode()]], object)
        except (DecodeError, ValueError):  # of which UnicodeDecodeError is one
            return None
        if tensor.name not in self._categories or tensor.datatype != "BYTES":
            return None
        if list(tensor.shape) not in _SHAPES:
            return None
        column.setflags(write=False)  # other requests will have it too
        if len(self._seen) < SEEN:
            self._seen[field] = tensor.name, column
        return tensor.name, column


def _serialized(name: str, shape: list[int]) -> bytes:
    """Return a number's tensor as it stands in a message, with the value 0."""
    contents = {"fp32_contents": [0.0]}
    tensor = {"name": name, "datatype": "FP32", "shape": shape, "contents": contents}
    content: bytes = ModelInferRequest(inputs=[tensor]).SerializeToString()
    return content
