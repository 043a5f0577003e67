"""Score rows with an ONNX graph, on one thread of the CPU, so that the same rows score the same."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
from numpy.typing import NDArray

from millrace.dataset.manifest import Feature
from millrace.errors import EvaluationError
from millrace.export.manifest import PREDICTION, Output

_BATCH = 8192
"""Rows a call: bounds the memory of the graph's intermediate values."""

Feed = dict[str, NDArray[Any]]


def score(
    model_file: Path,
    frame: pd.DataFrame,
    features: Sequence[Feature],
    outputs: Sequence[Output] = (PREDICTION,),
) -> NDArray[np.float64]:
    """Return what the graph answers for each row.

    Args:
        model_file: the ONNX graph; inputs of shape [n, 1] named as features.
        frame: n rows with the features as columns.
        features: the graph's inputs and their kinds.
        outputs: the graph's outputs.

    Returns:
        Answers of shape [n, 1 + q], in the frame's order, the outputs beside each other; all of
        them finite.

    Raises:
        EvaluationError: the graph cannot be loaded or run, a feature is missing, or an answer is
            no number.
    """
    session = open_session(model_file, outputs)
    answers = np.empty((0, sum(output.width for output in outputs)))
    for start in range(0, len(frame), _BATCH):
        few = frame.iloc[start : start + _BATCH]
        feed = feed_of(session, few, features, model_file)
        answers = np.concatenate([answers, _run(session, feed, outputs, len(few), model_file)])
    broken = np.flatnonzero(~np.isfinite(answers).all(axis=1))
    if broken.size:
        raise _no_number(model_file, frame, features, int(broken[0]), int(broken.size))
    return answers


def open_session(
    model_file: Path, outputs: Sequence[Output] = (PREDICTION,)
) -> onnxruntime.InferenceSession:
    """Return a session of the graph with one thread, as the predictor has for each of its workers.

    Raises:
        EvaluationError: the file is missing, is no ONNX graph that onnxruntime runs, or lacks an
            output.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(
            str(model_file), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime's faults share no other base class
        raise EvaluationError(
            f"onnxruntime cannot load the model: {error}",
            where=str(model_file),
            remedy="export the model again",
        ) from error
    there = [output.name for output in session.get_outputs()]
    for output in outputs:
        if output.name not in there:
            raise EvaluationError(
                f"the graph has no {output.name}",
                where=str(model_file),
                found=f"outputs {', '.join(there)}",
                expected=f"an output {output.name!r}",
            )
    return session


def feed_of(
    session: onnxruntime.InferenceSession,
    frame: pd.DataFrame,
    features: Sequence[Feature],
    model_file: Path,
) -> Feed:
    """Return the graph's inputs, each of shape [n, 1]: float32 numbers or text.

    Raises:
        EvaluationError: an input is none of the features, or a feature is no column of the frame.
    """
    kinds = {feature.name: feature.kind for feature in features}
    wanted = [node.name for node in session.get_inputs()]
    missing = [name for name in wanted if name not in kinds or name not in frame.columns]
    if missing:
        raise EvaluationError(
            f"the model needs the feature {missing[0]!r}, which the rows do not have",
            where=str(model_file),
            found=f"features {', '.join(kinds)}",
            remedy="assemble and export again from one workload",
        )
    return {name: _column(frame[name], kinds[name])[:, np.newaxis] for name in wanted}


def features_of(frame: pd.DataFrame, features: Sequence[Feature], row: int) -> str:
    """Return the feature values of one row as text, for messages."""
    values = frame.iloc[row]
    return ", ".join(f"{f.name}={values[f.name]!s}" for f in features if f.name in frame.columns)


def _column(values: pd.Series[Any], kind: str) -> NDArray[Any]:
    if kind == "number":
        return values.to_numpy(dtype=np.float32, na_value=np.nan)
    return values.astype(object).where(values.notna(), "").to_numpy(dtype=object)


def _run(
    session: onnxruntime.InferenceSession,
    feed: Feed,
    outputs: Sequence[Output],
    rows: int,
    model_file: Path,
) -> NDArray[np.float64]:
    try:
        found = session.run([output.name for output in outputs], feed)
    except Exception as error:  # onnxruntime's faults share no other base class
        raise EvaluationError(
            f"onnxruntime cannot run the model: {error}",
            where=str(model_file),
            remedy="export the model again",
        ) from error
    for output, answers in zip(outputs, found, strict=True):
        if np.shape(answers) != (rows, output.width):
            raise EvaluationError(
                "the graph does not answer row by row",
                where=str(model_file),
                found=f"{output.name} of shape {list(np.shape(answers))} for {rows} rows",
                expected=f"an output {output.name!r} of shape [n, {output.width}]",
            )
    return np.concatenate(found, axis=1).astype(np.float64)


def _no_number(
    model_file: Path, frame: pd.DataFrame, features: Sequence[Feature], row: int, rows: int
) -> EvaluationError:
    return EvaluationError(
        f"the prediction for row {row} is no number ({rows} such rows)",
        where=str(model_file),
        found=features_of(frame, features, row),
        remedy="look for weights that diverged, or for a value that overflows in the graph",
    )
