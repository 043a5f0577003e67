"""KServe's v1 protocol: instances in, predictions out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from serving.predictor.answering import InferAnswer, InferRequest, KeyValue
from serving.predictor.decoding import Decoder
from serving.predictor.faults import bad_input, pointer_token, too_many_rows, unknown_input
from serving.predictor.model import Column, Model
from serving.predictor.outputs import rows_told
from serving.predictor.signature import Input, Signature
from serving.predictor.values import ANY_NUMBER, key_value, text_value

Row = dict[str, Any]


class Body(msgspec.Struct, gc=False):
    """A prediction request: rows as objects by input name, or as lists in the order of inputs."""

    instances: list[dict[str, Any] | list[Any]]


class V1Reader:
    """Turns bodies into requests."""

    def __init__(self, signature: Signature, max_rows: int) -> None:
        self._max_rows = max_rows
        self._inputs = signature.inputs
        self._features = signature.features
        self._keys = signature.keys
        self._known = frozenset(signature.known)
        self._decode = Decoder(Body)

    def read(self, content: bytes, request_id: str) -> InferRequest:
        """Return the request of a body.

        Raises:
            ClientFault: the body says something that cannot be.
        """
        instances = self._decode(content).instances
        if not instances:
            raise bad_input("there are no instances", "/instances")
        if len(instances) > self._max_rows:
            raise too_many_rows(self._max_rows, "/instances")
        rows = [self._row(instance, place) for place, instance in enumerate(instances)]
        request = InferRequest(request_id, "v1", len(rows), {}, size=len(content))
        for feature in self._inputs:
            self._put(feature, rows, request)
        for name, key in self._keys.items():
            if name not in self._features and any(name in row for row in rows):
                values: Sequence[KeyValue | None] = [
                    key_value(key, row[name], _pointer(place, name)) if name in row else None
                    for place, row in enumerate(rows)
                ]
                request.keys[name] = values
        return request

    def _row(self, instance: Row | list[Any], place: int) -> Row:
        if isinstance(instance, list):
            if len(instance) != len(self._inputs):
                raise bad_input(
                    f"a list has a value for each of the {len(self._inputs)} inputs, "
                    f"this one has {len(instance)}",
                    f"/instances/{place}",
                )
            return {
                feature.name: value for feature, value in zip(self._inputs, instance, strict=True)
            }
        unknown = instance.keys() - self._known
        if unknown:
            name = min(unknown)
            raise unknown_input(name, sorted(self._known), _pointer(place, name))
        return instance

    def _put(self, feature: Input, rows: list[Row], request: InferRequest) -> None:
        """Put a feature into the request, if any row brings it."""
        name = feature.name
        brought = [name in row for row in rows]
        if not any(brought):
            return
        value_of = ANY_NUMBER.value if feature.kind == "number" else text_value
        values: list[Any] = [
            value_of(row.get(name), _pointer(place, name)) for place, row in enumerate(rows)
        ]
        dtype: Any = np.float32 if feature.kind == "number" else object
        column: Column = np.array(values, dtype).reshape(-1, 1)
        request.features[name] = column
        if not all(brought):
            request.absent[name] = ~np.array(brought)


class V1Writer:
    """Turns answers into bodies; what is the same in all of them is encoded once."""

    def __init__(self, model: Model) -> None:
        head = msgspec.json.encode(
            {
                "model_name": model.name,
                "model_version": model.version,
                "parameters": {"bundle_digest": model.digest},
            }
        )
        self._plain = head[:-1] + b',"id":'
        self._degraded = head[:-2] + b',"degraded":true},"id":'

    def write(self, answer: InferAnswer) -> bytes:
        """Return the body of an answer."""
        return b'%b%b,"predictions":%b}' % (
            self._degraded if answer.degraded else self._plain,
            msgspec.json.encode(answer.id),
            msgspec.json.encode(answer.predictions[:, 0].tolist()),
        )


class V1RowsWriter(V1Writer):
    """Writes answers of several outputs: each prediction is an object of all of them."""

    def __init__(self, model: Model) -> None:
        super().__init__(model)
        self._outputs = model.signature.outputs

    def write(self, answer: InferAnswer) -> bytes:
        """Return the body of an answer."""
        return b'%b%b,"predictions":%b}' % (
            self._degraded if answer.degraded else self._plain,
            msgspec.json.encode(answer.id),
            msgspec.json.encode(rows_told(self._outputs, answer.outputs)),
        )


def _pointer(place: int, name: str) -> str:
    return f"/instances/{place}/{pointer_token(name)}"
