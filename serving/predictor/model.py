"""A verified bundle with its ONNX session: named columns in, outputs out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from millrace.errors import ServingError
from millrace.features.lookup import LookupPlan
from millrace.registry.bundle import CARD, MODEL, read_card
from millrace.registry.card import Card
from millrace.registry.published import verify_bundle
from serving.predictor.outputs import Values, check_answered, outputs_of
from serving.predictor.signature import Signature, signature_of

Column = npt.NDArray[Any]
"""Values of one feature, shape [n, 1]: float32 with NaN for missing, or str with ''."""
Columns = Mapping[str, Column]
LOOKUP = "lookup.json"
WARM_UP_RUNS = 20


@dataclass(frozen=True)
class Model:
    """What answers: a bundle whose digest was checked, ready to run."""

    name: str
    """Name that clients use; the same for all arms of a workload."""
    version: str
    digest: str
    card: Card
    signature: Signature
    session: Any
    _outputs: list[str] = field(init=False)
    """Names of the signature's outputs, in its order."""

    def __post_init__(self) -> None:
        """Keep what every run needs."""
        object.__setattr__(self, "_outputs", [output.name for output in self.signature.outputs])

    def predict(self, columns: Columns) -> list[Values]:
        """Return the outputs for some rows, in the signature's order; predictions are [n, 1].

        Args:
            columns: every feature of the signature, as `Column`s of the same n.

        Raises:
            ServingError: the graph failed on these values.
        """
        try:
            found: list[Values] = self.session.run(self._outputs, columns)
        except Exception as error:  # onnxruntime raises classes that share no base of their own
            raise ServingError(
                "the model failed", where=self.name, found=f"{type(error).__name__}: {error}"
            ) from error
        return found

    def empty_rows(self, rows: int) -> dict[str, Column]:
        """Return rows in which every value is missing."""
        return {
            feature.name: missing_column(feature.kind, rows) for feature in self.signature.inputs
        }

    def warm_up(self) -> float:
        """Run the model on rows of missing values and return the seconds of the quickest run.

        Raises:
            ServingError: the graph failed, or answers something else than its outputs by rows.
        """
        for rows in (1, 2):
            found = self.predict(self.empty_rows(rows))
            check_answered(found, self.signature.outputs, rows, self.name)
        row = self.empty_rows(1)
        quickest = float("inf")
        for _ in range(WARM_UP_RUNS):
            start = time.perf_counter()
            self.predict(row)
            quickest = min(quickest, time.perf_counter() - start)
        return quickest


def missing_column(kind: str, rows: int) -> Column:
    """Return a column, shape [rows, 1], in which every value is missing."""
    if kind == "number":
        return np.full((rows, 1), np.nan, np.float32)
    return np.full((rows, 1), "", object)


def load_model(folder: Path, *, name: str, version: str, digest: str) -> Model:
    """Return the model of a bundle's folder, after every file of it was held to the digest.

    Raises:
        StoreError: a file is missing, or is not the one that the digest names.
        ServingError: the files are what the digest names, but no model that can be served.
    """
    verify_bundle(folder, digest)
    card = read_card(folder)
    session = _session(folder / MODEL)
    outputs = outputs_of(session, str(folder / MODEL))
    signature = signature_of(card, LookupPlan.read(folder / LOOKUP), outputs)
    _check_inputs(session, signature, folder / CARD)
    return Model(name, version, digest, card, signature, session)


def _session(file: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(
            file.read_bytes(), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime raises classes that share no base of their own
        raise ServingError(
            "onnxruntime cannot load the model", where=str(file), found=str(error)
        ) from error


def _check_inputs(session: Any, signature: Signature, card: Path) -> None:
    kinds = {"tensor(float)": "number", "tensor(string)": "category"}
    graph = {entry.name: kinds.get(entry.type, entry.type) for entry in session.get_inputs()}
    declared = {feature.name: feature.kind for feature in signature.inputs}
    if graph != declared:
        raise ServingError(
            "the model's inputs are not those of its card",
            where=str(card),
            found=", ".join(f"{k}: {v}" for k, v in declared.items()),
            expected=", ".join(f"{k}: {v}" for k, v in graph.items()),
        )
