"""What serving will feel of a model: its speed, and whether ONNX answers as torch did."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
from numpy.typing import NDArray

from millrace.dataset.manifest import Feature
from millrace.errors import EvaluationError
from millrace.evaluation.scoring import Feed, feed_of, open_session
from millrace.export.manifest import PREDICTION, Output, answer_names

_ROUNDS = 5
_CALLS = 400
"""Calls of a round."""
_WARM_UP = 50
_PATIENCE = 5.0
"""Seconds after which no further round is begun."""


def latency(
    model_file: Path,
    frame: pd.DataFrame,
    features: Sequence[Feature],
    outputs: Sequence[Output] = (PREDICTION,),
) -> dict[str, float]:
    """Return how long the graph takes for one row on one thread.

    Each call is for another row, until they come round again. Of several rounds the quietest
    counts: other work on the machine only ever adds time, and the model is what is measured.

    Returns:
        Seconds at the 50th and 99th percentile of that round, as `p50` and `p99`.

    Raises:
        EvaluationError: as `score`.
    """
    session = open_session(model_file, outputs)
    names = [output.name for output in outputs]
    few = frame.head(_ROUNDS * _CALLS)
    feed = feed_of(session, few, features, model_file)
    rows = cycle(
        {name: values[i : i + 1] for name, values in feed.items()} for i in range(len(few))
    )
    for row in islice(rows, _WARM_UP):
        session.run(names, row)
    started = time.perf_counter()
    rounds: list[NDArray[np.float64]] = []
    while len(rounds) < _ROUNDS and (not rounds or time.perf_counter() - started < _PATIENCE):
        taken = [_time(session, names, row) for row in islice(rows, _CALLS)]
        rounds.append(np.percentile(taken, [50, 99]))
    p50, p99 = min(rounds, key=lambda measured: float(measured[1]))
    return {"p50": float(p50), "p99": float(p99)}


def _time(session: onnxruntime.InferenceSession, outputs: list[str], row: Feed) -> float:
    started = time.perf_counter()
    session.run(outputs, row)
    return time.perf_counter() - started


def parity(
    parity_file: Path, answers: NDArray[np.float64], quantiles: Sequence[float] = ()
) -> tuple[float, int]:
    """Return the greatest difference between ONNX and torch, and the row that has it.

    Args:
        parity_file: parity.parquet of the export: torch's answers for each of n rows.
        answers: the graph's answers for the same rows; shape [n, 1 + q].
        quantiles: levels of the q quantiles.

    Returns:
        The difference, relative to numbers of torch beyond 1, or `sys.float_info.max` where
        torch's answer is no number, and the first row of it.

    Raises:
        EvaluationError: the file cannot be read or is about other rows.
    """
    remedy = "export the model again for this dataset"
    names = answer_names(quantiles)
    try:
        from_torch = pd.read_parquet(parity_file, columns=names)[names]
    except (OSError, ValueError) as error:
        raise EvaluationError(
            f"cannot be read: {error}", where=str(parity_file), remedy=remedy
        ) from error
    if len(from_torch) != len(answers):
        raise EvaluationError(
            "is about other rows",
            where=str(parity_file),
            found=f"{len(from_torch)} rows",
            expected=f"{len(answers)}, as in test.parquet",
            remedy=remedy,
        )
    expected = from_torch.to_numpy(dtype=np.float64, na_value=np.nan)
    with np.errstate(invalid="ignore"):  # infinity by infinity is no number, as is told below
        apart = np.abs(expected - answers) / np.maximum(1.0, np.abs(expected))
    apart = np.where(np.isfinite(apart), apart, sys.float_info.max).max(axis=1)
    row = int(np.argmax(apart))
    return float(apart[row]), row
