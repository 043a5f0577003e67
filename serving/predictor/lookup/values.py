"""Feature values as online stores hold them: Feast's `Value` messages, decoded by hand.

A `Value` is one field of a oneof in Protocol Buffers' wire format
(https://protobuf.dev/programming-guides/encoding): a tag byte (field number * 8 + wire type), then
the content; no bytes at all mean no value.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import lru_cache

from serving.predictor.lookup.base import Value

_TEXT, _INT32, _INT64, _DOUBLE, _FLOAT, _BOOL = 0x12, 0x18, 0x20, 0x29, 0x35, 0x38
_NULL = 0x98
_ONE_BYTE = 0x80
_CACHED = 1 << 14
_float64 = struct.Struct("<d").unpack_from
_float32 = struct.Struct("<f").unpack_from


def value_reader(feast_type: str) -> Callable[[bytes], Value]:
    """Return the function that decodes the values of a field of this Feast type.

    The function raises ValueError for bytes that are no value of such a field.
    """
    return _READERS[feast_type]


def timestamp_seconds(content: bytes) -> float:
    """Return a serialized `google.protobuf.Timestamp` as seconds since 1970.

    Raises:
        ValueError: it is none.
    """
    parts = {1: 0, 2: 0}
    place = 0
    while place < len(content):
        tag = content[place]
        if tag not in (0x08, 0x10):
            raise ValueError("no timestamp")
        parts[tag >> 3], place = _varint(content, place + 1)
    return _signed(parts[1]) + parts[2] / 1e9


@lru_cache(_CACHED)
def _text(content: bytes) -> Value:
    if not content or content[0] == _NULL:
        return None
    if content[0] != _TEXT:
        raise ValueError("no text")
    length, start = _varint(content, 1)
    if length != len(content) - start:
        raise ValueError("text of another length")
    return content[start:].decode()


def _number(content: bytes) -> Value:
    if not content:
        return None
    tag = content[0]
    if tag == _DOUBLE and len(content) == 9:
        value: float = _float64(content, 1)[0]
        return value
    if tag == _FLOAT and len(content) == 5:
        single: float = _float32(content, 1)[0]
        return single
    return _whole(content)


@lru_cache(_CACHED)
def _whole(content: bytes) -> Value:
    tag = content[0]
    if tag == _NULL:
        return None
    if tag not in (_INT32, _INT64, _BOOL):
        raise ValueError("no number")
    number, end = _varint(content, 1)
    if end != len(content):
        raise ValueError("bytes after the number")
    return number != 0 if tag == _BOOL else _signed(number)


def _varint(content: bytes, place: int) -> tuple[int, int]:
    """Return the number that begins at a place, and the place after it."""
    number = 0
    for shift in range(0, 70, 7):
        if place >= len(content):
            break
        byte = content[place]
        place += 1
        number |= (byte & 0x7F) << shift
        if byte < _ONE_BYTE:
            return number & 0xFFFF_FFFF_FFFF_FFFF, place
    raise ValueError("a number without an end")


def _signed(number: int) -> int:
    return number - (1 << 64) if number >> 63 else number


_READERS: dict[str, Callable[[bytes], Value]] = {
    "STRING": _text,
    "BOOL": _number,
    "INT32": _number,
    "INT64": _number,
    "FLOAT": _number,
    "DOUBLE": _number,
}
