"""The outputs of a model: which there are, whether they hold, and which a request wants."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from millrace.errors import ServingError
from millrace.export.manifest import OUTPUT
from serving.predictor.faults import unknown_output
from serving.predictor.signature import PREDICTION, Output

Values = npt.NDArray[np.float32]
"""What one output says of some rows, shape [n, ...]."""
Wanted = tuple[tuple[int, bool], ...]
"""Outputs in the order of an answer: the place of each in the signature, and whether as binary."""


def outputs_of(session: Any, where: str) -> tuple[Output, ...]:
    """Return the outputs of an ONNX session, the prediction first.

    Args:
        session: the session.
        where: the model, for people.

    Raises:
        ServingError: there is no prediction, or an output is not float32 by rows.
    """
    declared = {entry.name: entry for entry in session.get_outputs()}
    if OUTPUT not in declared:
        raise ServingError(
            f"the model has no output {OUTPUT!r}",
            where=where,
            found=", ".join(declared),
            remedy="export it again: each model answers one number a row under this name",
        )
    others = (_output(entry, where) for entry in declared.values() if entry.name != OUTPUT)
    return (PREDICTION, *others)


def _output(entry: Any, where: str) -> Output:
    shape = entry.shape
    if entry.type != "tensor(float)" or not shape or isinstance(shape[0], int):
        raise ServingError(
            f"the output {entry.name!r} is not one of rows",
            where=where,
            found=f"{entry.type} of shape {shape}",
            expected="tensor(float) whose first dimension is any number of rows",
        )
    return Output(entry.name, tuple(n if isinstance(n, int) else -1 for n in shape[1:]))


def check_answered(
    answered: Sequence[Values], outputs: Sequence[Output], rows: int, where: str
) -> None:
    """Raise a ServingError unless each output has as many rows as were asked for, in its shape."""
    for values, output in zip(answered, outputs, strict=True):
        expected = (rows, *output.shape)
        fits = len(values.shape) == len(expected) and all(
            wanted in (-1, found) for found, wanted in zip(values.shape, expected, strict=True)
        )
        if not fits or values.dtype != np.float32:
            what = "one number" if output is PREDICTION else f"its output {output.name!r}"
            raise ServingError(
                f"the model does not answer {what} a row",
                where=where,
                found=f"{values.dtype} of shape {list(values.shape)}",
                expected=f"float32 of shape {list(expected)}",
            )


def chosen(outputs: Sequence[Output], asked: Iterable[tuple[str, bool]]) -> Wanted:
    """Return the outputs that a request names, each once, in the order of the request.

    Args:
        outputs: those of the model.
        asked: the names, and whether each shall be binary.

    Raises:
        ClientFault: the model has no such output.
    """
    names = [output.name for output in outputs]
    found: dict[int, bool] = {}
    for place, (name, binary) in enumerate(asked):
        if name not in names:
            raise unknown_output(name, names, f"/outputs/{place}/name")
        found[names.index(name)] = binary
    return tuple(found.items())


def everything(outputs: Sequence[Output], *, binary: bool) -> Wanted:
    """Return what a request wants that names no output."""
    return tuple((place, binary) for place in range(len(outputs)))


def rows_told(outputs: Sequence[Output], answered: Sequence[Values]) -> list[dict[str, Any]]:
    """Return all outputs by name, row by row; the prediction is a number, the others are lists."""
    names = [output.name for output in outputs]
    columns = [answered[0][:, 0].tolist(), *(values.tolist() for values in answered[1:])]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
