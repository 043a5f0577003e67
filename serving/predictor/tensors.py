"""Tensors of the Open Inference Protocol as columns and keys, or the reason why not."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from millrace.features.lookup import JoinKey
from serving.predictor.faults import bad_input, too_many_rows
from serving.predictor.model import Column
from serving.predictor.signature import Input
from serving.predictor.values import NUMBERS, WHOLE, key_value, short, text_column

DATATYPES = (*NUMBERS, "BYTES")
"""What the protocol calls the types of tensors; BYTES are texts here."""
_DTYPES = {
    "BOOL": "<u1",
    "FP16": "<f2",
    "FP32": "<f4",
    "FP64": "<f8",
    **{f"INT{bits}": f"<i{bits // 8}" for bits in (8, 16, 32, 64)},
    **{f"UINT{bits}": f"<u{bits // 8}" for bits in (8, 16, 32, 64)},
}


def rows_of(shape: Sequence[int], max_rows: int, pointer: str) -> int:
    """Return the number of rows of a tensor's shape, which is [n] or [n, 1].

    Args:
        shape: the shape.
        max_rows: rows that a request may have.
        pointer: JSON pointer of the shape.

    Raises:
        ClientFault: it is another shape, or has no rows, or too many.
    """
    if len(shape) not in (1, 2) or (len(shape) == 2 and shape[1] != 1):
        raise bad_input(f"the shape {short(list(shape))} is neither [n] nor [n, 1]", pointer)
    if shape[0] < 1:
        raise bad_input(f"the shape {short(list(shape))} has no rows", pointer)
    if shape[0] > max_rows:
        raise too_many_rows(max_rows, pointer)
    return shape[0]


def feature_column(feature: Input, datatype: str, values: list[Any], pointer: str) -> Column:
    """Return the column of a feature.

    Args:
        feature: the feature.
        datatype: the tensor's datatype.
        values: n values as JSON decodes them, None for missing.
        pointer: JSON pointer of the tensor.

    Raises:
        ClientFault: the datatype does not fit the feature, or a value does not fit the datatype.
    """
    if feature.kind == "category":
        _require_datatype(feature.name, datatype, ("BYTES",), pointer)
        return text_column(values, pointer + "/data")
    number = NUMBERS.get(datatype)
    if number is None:
        raise _misfit(feature.name, datatype, NUMBERS, pointer)
    return number.column(values, pointer + "/data")


def key_column(key: JoinKey, datatype: str, values: list[Any], pointer: str) -> list[str | int]:
    """Return the values of an entity key; arguments as in `feature_column`.

    Raises:
        ClientFault: the datatype does not fit the key, or a value does not, or is missing.
    """
    pointers = (f"{pointer}/data/{place}" for place in range(len(values)))
    if key.type == "STRING":
        _require_datatype(key.name, datatype, ("BYTES",), pointer)
        return [key_value(key, *pair) for pair in zip(values, pointers, strict=True)]
    _require_datatype(key.name, datatype, sorted(WHOLE), pointer)
    found: list[str | int] = []
    for value, place in zip(values, pointers, strict=True):
        NUMBERS[datatype].value(value, place)
        found.append(key_value(key, value, place))
    return found


def decode_raw(datatype: str, content: bytes, rows: int, pointer: str) -> list[Any]:
    """Return the values of a tensor in the protocol's binary form; NaN stands for missing.

    Args:
        datatype: the tensor's datatype.
        content: its bytes.
        rows: how many values its shape says.
        pointer: JSON pointer of the tensor.

    Raises:
        ClientFault: the bytes are not that many values of the datatype.
    """
    if datatype == "BYTES":
        return _decode_texts(content, rows, pointer)
    if datatype not in _DTYPES:
        raise _misfit("a tensor", datatype, DATATYPES, pointer)
    dtype = np.dtype(_DTYPES[datatype])
    if len(content) != rows * dtype.itemsize:
        raise bad_input(
            f"{rows} values of {datatype} take {rows * dtype.itemsize} bytes, not {len(content)}",
            pointer,
        )
    array = np.frombuffer(content, dtype)
    if datatype == "BOOL":
        if array.max() > 1:
            raise bad_input("the byte of a BOOL is 0 or 1", pointer)
        array = array.astype(np.bool_)
    return missing_for_nan(array) if dtype.kind == "f" else array.tolist()


def missing_for_nan(array: npt.NDArray[Any]) -> list[Any]:
    """Return numbers, shape [n], with None in the place of each NaN."""
    values: list[Any] = array.tolist()
    for place in np.flatnonzero(np.isnan(array)).tolist():
        values[place] = None
    return values


def decode_text(content: bytes, pointer: str) -> str:
    """Return the text of one BYTES element.

    Raises:
        ClientFault: it is not UTF-8.
    """
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise bad_input("a text is not UTF-8", pointer) from error


def _decode_texts(content: bytes, rows: int, pointer: str) -> list[str]:
    """Return texts, each of which follows its length: four bytes, the lowest first."""
    found: list[str] = []
    place = 0
    while place < len(content) and len(found) <= rows:
        start = place + 4
        size = struct.unpack_from("<I", content, place)[0] if start <= len(content) else 0
        if start + size > len(content):
            raise bad_input("the last BYTES element is cut off", pointer)
        place = start + size
        found.append(decode_text(content[start:place], f"{pointer}/data/{len(found)}"))
    if len(found) != rows:
        raise bad_input(f"the shape says {rows} rows, the bytes hold another number", pointer)
    return found


def _require_datatype(name: str, datatype: str, fitting: Sequence[str], pointer: str) -> None:
    if datatype not in fitting:
        raise _misfit(name, datatype, fitting, pointer)


def _misfit(name: str, datatype: str, fitting: Iterable[str], pointer: str) -> Exception:
    return bad_input(
        f"{name} takes {', '.join(fitting)}, not {short(datatype)}", pointer + "/datatype"
    )
