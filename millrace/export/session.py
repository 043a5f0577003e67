"""Run an exported graph in onnxruntime, as serving will."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from millrace.errors import ExportError
from millrace.export.core import OPSET
from millrace.export.manifest import Output, outputs_for
from millrace.training.columns import Columns
from millrace.training.preprocessing import Preprocessing

BATCH = 8192


@dataclass(frozen=True)
class Graph:
    """A graph that onnxruntime has loaded.

    Attributes:
        session: the session, on one thread so that it repeats itself.
        preprocessing: names of the inputs.
    """

    session: onnxruntime.InferenceSession
    preprocessing: Preprocessing

    @classmethod
    def load(cls, content: bytes, preprocessing: Preprocessing) -> Graph:
        """Return the graph of an ONNX file's content.

        Raises:
            ExportError: onnxruntime does not take it.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        try:
            session = onnxruntime.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's errors have no common base
            raise ExportError(
                f"onnxruntime does not load the graph: {str(error).splitlines()[0]}",
                where="model.onnx",
                remedy=f"use operators that ONNX opset {OPSET} has on the CPU",
            ) from error
        return cls(session, preprocessing)

    def predict(self, columns: Columns) -> npt.NDArray[np.float32]:
        """Return the predictions for rows, in their order: float32 [n], all finite.

        Raises:
            ExportError: as `answers`.
        """
        predictions: npt.NDArray[np.float32] = self.answers(columns)[:, 0]
        return predictions

    def answers(self, columns: Columns) -> npt.NDArray[np.float32]:
        """Return predictions and quantiles for rows, in their order: float32 [n, 1 + q], finite.

        Raises:
            ExportError: the graph does not give as many finite numbers a row.
        """
        starts = range(0, len(columns), BATCH)
        parts = [self._run(columns, slice(start, start + BATCH)) for start in starts]
        width = sum(output.width for output in self.outputs)
        answers = np.concatenate([np.empty((0, width), np.float32), *parts])
        broken = np.flatnonzero(~np.isfinite(answers).all(axis=1))
        if len(broken):
            odd = answers[broken[0]]
            raise ExportError(
                f"the model's answer is no number for {len(broken)} of {len(columns)} rows",
                where="model.onnx",
                found=f"{odd[~np.isfinite(odd)][0]} in row {broken[0]}",
                remedy="look for a logarithm, root or division in the module",
            )
        return answers

    @property
    def outputs(self) -> list[Output]:
        """Return the outputs that the graph must have."""
        return outputs_for(self.preprocessing.quantiles)

    def _run(self, columns: Columns, rows: slice) -> npt.NDArray[np.float32]:
        feed: dict[str, npt.NDArray[Any]] = {
            scaling.name: columns.numbers[rows, i : i + 1]
            for i, scaling in enumerate(self.preprocessing.numbers)
        }
        for vocabulary, column in zip(
            self.preprocessing.categories, columns.categories, strict=True
        ):
            texts = column.slice(rows.start, rows.stop - rows.start).to_pylist()
            feed[vocabulary.name] = np.array(texts, dtype=object).reshape(-1, 1)
        count = len(columns.label[rows])
        try:
            found = self.session.run([output.name for output in self.outputs], feed)
        except Exception as error:  # onnxruntime's errors have no common base
            raise ExportError(
                f"the graph fails on {count} rows: {str(error).splitlines()[0]}",
                where="model.onnx",
                remedy="let forward take any number of rows: it was exported with "
                "one number of them and must run with every other",
            ) from error
        for answers, output in zip(found, self.outputs, strict=True):
            if answers.shape != (count, output.width) or answers.dtype != np.float32:
                raise ExportError(
                    "the graph's answer has the wrong shape",
                    where="model.onnx",
                    found=f"{answers.dtype} {list(answers.shape)}",
                    expected=f"float32 [{count}, {output.width}]",
                    remedy="let forward answer row by row, for any number of rows",
                )
        table: npt.NDArray[np.float32] = np.concatenate(found, axis=1)
        return table
