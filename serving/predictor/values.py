"""Decoded values of features and entity keys, held to their types; None stands for missing."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from millrace.features.lookup import JoinKey
from serving.predictor.faults import bad_input
from serving.predictor.model import Column

_FP32 = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class NumberType:
    """A datatype whose values a feature of numbers can take."""

    name: str
    types: frozenset[type]
    """Types of its values as JSON decodes them."""
    low: float
    high: float

    def value(self, value: Any, pointer: str) -> float:
        """Return one number, NaN for missing.

        Raises:
            ClientFault: it is of another type, or out of range.
        """
        if value is None:
            return math.nan
        if type(value) not in self.types:
            raise bad_input(f"{short(value)} is no {self.name}", pointer)
        if not self.low <= value <= self.high:
            raise bad_input(f"{short(value)} is out of range of {self.name}", pointer)
        return value  # type: ignore[no-any-return]

    def column(self, values: list[Any], pointer: str) -> Column:
        """Return n numbers, rounded to FP32 as in training.

        Args:
            values: the numbers.
            pointer: JSON pointer of the list.

        Raises:
            ClientFault: one is of another type, or out of range.
        """
        if len(values) == 1:
            return np.array([[self.value(values[0], pointer + "/0")]], np.float32)
        present = [value for value in values if value is not None]
        if not self._fit(present):
            for place, value in enumerate(values):
                self.value(value, f"{pointer}/{place}")
        return np.array(values, np.float64).astype(np.float32).reshape(-1, 1)

    def _fit(self, present: list[Any]) -> bool:
        """Return at once whether all values fit, without saying which does not."""
        return self.types.issuperset(map(type, present)) and (
            not present or (self.low <= min(present) and max(present) <= self.high)
        )


def _whole(bits: int, *, signed: bool) -> NumberType:
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return NumberType(f"{'' if signed else 'U'}INT{bits}", frozenset({int}), low, high)


def _real(name: str, high: float) -> NumberType:
    return NumberType(name, frozenset({int, float}), -high, high)


NUMBERS = {
    kind.name: kind
    for kind in (
        NumberType("BOOL", frozenset({bool}), 0, 1),
        *(_whole(bits, signed=signed) for signed in (True, False) for bits in (8, 16, 32, 64)),
        _real("FP16", float(np.finfo(np.float16).max)),
        _real("FP32", _FP32),
        _real("FP64", _FP32),
    )
}
"""The protocol's datatypes of numbers; FP64 goes as far as FP32, which the model calculates in."""
ANY_NUMBER = NumberType("number", frozenset({int, float, bool}), -_FP32, _FP32)
"""What v1 takes, which has no datatypes."""
WHOLE = frozenset(name for name in NUMBERS if "INT" in name)


def text_value(value: Any, pointer: str) -> str:
    """Return one text, '' for missing.

    Raises:
        ClientFault: it is no text.
    """
    if value is None:
        return ""
    if type(value) is not str:
        raise bad_input(f"{short(value)} is no text", pointer)
    return value


def text_column(values: Iterable[Any], pointer: str) -> Column:
    """Return n texts.

    Args:
        values: the texts.
        pointer: JSON pointer of the list.

    Raises:
        ClientFault: one is no text.
    """
    texts = [
        value if type(value) is str else text_value(value, f"{pointer}/{place}")
        for place, value in enumerate(values)
    ]
    column = np.empty((len(texts), 1), object)
    column[:, 0] = texts
    return column


def key_value(key: JoinKey, value: Any, pointer: str) -> str | int:
    """Return the value of an entity key.

    Raises:
        ClientFault: it is missing, or not of the key's type.
    """
    if key.type == "STRING":
        if type(value) is not str:
            raise bad_input(f"{short(value)} is no text, which {key.name!r} is", pointer)
        if not value:
            raise bad_input(f"the key {key.name!r} is empty", pointer)
        return value
    if value is None:
        raise bad_input(f"the key {key.name!r} is null", pointer)
    return int(NUMBERS[key.type].value(value, pointer))


def short(value: Any) -> str:
    """Return a value for a message, cut to a length that a log line can take."""
    if isinstance(value, int) and abs(value) >= 2**64:
        return "a huge number"
    text = repr(value[:60] if isinstance(value, str) else value)
    return text if len(text) <= 80 else text[:77] + "..."
