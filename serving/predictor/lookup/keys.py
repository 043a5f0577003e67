"""Entity keys as bytes, in version 3 of Feast's serialization, which online stores look up by.

The layout: how many join keys (uint32), the name of each (type, length, text), then the value of
each (type, length, content), all little endian and sorted by name.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any

from millrace.features.lookup import JoinKey
from serving.predictor.lookup.base import Key

_STRING, _INT32, _INT64 = 2, 3, 4
_UINT32 = struct.Struct("<I")
_HEAD = struct.Struct("<II")
_WHOLE32 = struct.Struct("<IIi")
_WHOLE64 = struct.Struct("<IIq")


def key_writer(join_keys: Sequence[JoinKey]) -> Callable[[tuple[Key, ...]], bytes]:
    """Return the function that makes the bytes of an entity's key from the values of its parts.

    Args:
        join_keys: the parts, sorted by name as the lookup plan has them.

    Returns:
        A function of one value a part, in the same order. It raises `struct.error` for an integer
        that does not fit the part's type.
    """
    names = [key.name.encode() for key in join_keys]
    start = _UINT32.pack(len(names))
    start += b"".join(_HEAD.pack(_STRING, len(name)) + name for name in names)
    writers = [_WRITERS[key.type] for key in join_keys]
    if len(writers) == 1:
        write = writers[0]
        return lambda values: start + write(values[0])
    return lambda values: (
        start + b"".join(write(value) for write, value in zip(writers, values, strict=True))
    )


def _text(value: Any) -> bytes:
    content: bytes = value.encode()
    return _HEAD.pack(_STRING, len(content)) + content


def _whole32(value: Any) -> bytes:
    return _WHOLE32.pack(_INT32, 4, value)


def _whole64(value: Any) -> bytes:
    return _WHOLE64.pack(_INT64, 8, value)


_WRITERS: dict[str, Callable[[Any], bytes]] = {
    "STRING": _text,
    "INT32": _whole32,
    "INT64": _whole64,
}
