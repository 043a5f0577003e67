"""Requests and answers of the v1 and v2 protocols in JSON, as rows of named values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


class Tensor(msgspec.Struct, gc=False):
    """A tensor of the v2 protocol, its values in order of rows, flat or nested."""

    name: str
    shape: list[int]
    data: list[Any]


class Asked(msgspec.Struct, gc=False):
    """A request, of either protocol."""

    inputs: list[Tensor] | None = None
    instances: list[Any] | None = None

    def rows(self) -> list[Any]:
        """Return its rows, as v1 has them.

        Raises:
            ValueError: it has none, or they contradict themselves.
        """
        if self.instances is not None:
            return self.instances
        return _rows(self.inputs)


class Told(msgspec.Struct, gc=False):
    """An answer, of either protocol."""

    model_name: str | None = None
    model_version: str | None = None
    parameters: dict[str, Any] | None = None
    id: str | None = None
    outputs: list[Tensor] | None = None
    predictions: list[Any] | None = None

    def rows(self) -> list[Any]:
        """Return a prediction a row: the only output, or all of them by name.

        Raises:
            ValueError: it has none, or they contradict themselves.
        """
        if self.predictions is not None:
            return self.predictions
        rows = _rows(self.outputs)
        if self.outputs and len(self.outputs) == 1:
            return [row[self.outputs[0].name] for row in rows]
        return rows


_asked = msgspec.json.Decoder(Asked)
_told = msgspec.json.Decoder(Told)


def read_asked(body: bytes) -> Asked:
    """Return what a request asks.

    Raises:
        ValueError: it is no request in JSON.
    """
    return _read(_asked, body)


def read_told(body: bytes) -> Told:
    """Return what an answer tells.

    Raises:
        ValueError: it is no answer in JSON.
    """
    return _read(_told, body)


def _read(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    try:
        return decoder.decode(body)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _rows(tensors: Sequence[Tensor] | None) -> list[Any]:
    if not tensors:
        raise ValueError("it has no tensors")
    columns = {tensor.name: _column(tensor) for tensor in tensors}
    names = list(columns)
    return [dict(zip(names, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _column(tensor: Tensor) -> list[Any]:
    """Return a tensor's value of each row, a list if a row has several."""
    values: list[Any] = tensor.data
    while values and isinstance(values[0], list):
        if not all(isinstance(part, list) for part in values):
            raise ValueError("its data are nested unevenly")
        values = [value for part in values for value in part]
    rows = tensor.shape[0] if tensor.shape else 1
    if min(tensor.shape, default=1) < 0 or math.prod(tensor.shape) != len(values):
        raise ValueError("its data do not have its shape")
    if rows == len(values):
        return values
    width = len(values) // rows if rows else 0
    return [values[row * width : (row + 1) * width] for row in range(rows)]
