"""What serving will feel of a model: its speed, and whether ONNX answers as torch did."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from millrace.dataset.manifest import Feature
from millrace.errors import EvaluationError
from millrace.evaluation.scoring import feed_of, open_session
from millrace.export.manifest import OUTPUT

_CALLS = 2000
_WARM_UP = 100
_PATIENCE = 5.0
"""Seconds after which a slow model has been measured enough."""


def latency(model_file: Path, frame: pd.DataFrame, features: Sequence[Feature]) -> dict[str, float]:
    """Return how long the graph takes for one row on one thread.

    Each call is for another row, until they come round again, after a warm-up.

    Returns:
        Seconds at the 50th and 99th percentile, as `p50` and `p99`.

    Raises:
        EvaluationError: as `score`.
    """
    session = open_session(model_file)
    feed = feed_of(session, frame.head(_CALLS), features, model_file)
    rows = min(len(frame), _CALLS)
    singles = [{name: values[i : i + 1] for name, values in feed.items()} for i in range(rows)]
    for call in range(_WARM_UP):
        session.run([OUTPUT], singles[call % rows])
    taken = []
    started = time.perf_counter()
    for call in range(_CALLS):
        before = time.perf_counter()
        session.run([OUTPUT], singles[call % rows])
        after = time.perf_counter()
        taken.append(after - before)
        if after - started > _PATIENCE and call >= _WARM_UP:
            break
    p50, p99 = np.percentile(taken, [50, 99])
    return {"p50": float(p50), "p99": float(p99)}


def parity(parity_file: Path, scores: NDArray[np.float64]) -> tuple[float, int]:
    """Return the greatest difference between ONNX and torch, and the row that has it.

    Args:
        parity_file: parity.parquet of the export: torch's answer for each of n rows as OUTPUT.
        scores: the graph's answers for the same rows; shape [n].

    Returns:
        The absolute difference, `sys.float_info.max` where torch's answer is no number, and the
        first row of it.

    Raises:
        EvaluationError: the file cannot be read or is about other rows.
    """
    remedy = "export the model again for this dataset"
    try:
        answers = pd.read_parquet(parity_file, columns=[OUTPUT])[OUTPUT]
    except (OSError, ValueError) as error:
        raise EvaluationError(
            f"cannot be read: {error}", where=str(parity_file), remedy=remedy
        ) from error
    if len(answers) != len(scores):
        raise EvaluationError(
            "is about other rows",
            where=str(parity_file),
            found=f"{len(answers)} rows",
            expected=f"{len(scores)}, as in test.parquet",
            remedy=remedy,
        )
    apart = np.abs(answers.to_numpy(dtype=np.float64, na_value=np.nan) - scores)
    apart = np.where(np.isfinite(apart), apart, sys.float_info.max)
    row = int(np.argmax(apart))
    return float(apart[row]), row
