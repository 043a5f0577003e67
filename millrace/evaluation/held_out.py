"""The rows that models are compared on, and those that baselines are fitted on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from millrace.dataset.manifest import LABEL, SLICE, DatasetManifest
from millrace.errors import EvaluationError


@dataclass(frozen=True, eq=False)
class Rows:
    """Some rows of a training set.

    Attributes:
        manifest: what the columns mean.
        frame: n rows.
        labels: 1 for the positive class and else 0, or the number itself; float64 of shape [n].
        where: the files they come from, for messages.
    """

    manifest: DatasetManifest
    frame: pd.DataFrame
    labels: NDArray[np.float64]
    where: str

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.labels)

    def positives(self, which: NDArray[np.intp] | None = None) -> int | None:
        """Return how many rows, of some or of all, are positive; None if labels are numbers."""
        if self.manifest.kind != "binary":
            return None
        return int(self.labels[slice(None) if which is None else which].sum())

    def groups(self, slice_name: str) -> NDArray[np.str_]:
        """Return the group of each row in a slice, as text of shape [n]; '' where it is missing."""
        return self.frame[SLICE + slice_name].fillna("").to_numpy(dtype=np.str_)


def read_rows(dataset: Path, *parts: str) -> Rows:
    """Return the rows of one or more parts of a training set, one part after the other.

    Raises:
        EvaluationError: a file cannot be read, a column is missing, there are no rows, a label
            cannot be, or all of them are of one class.
    """
    manifest = DatasetManifest.read(dataset / "manifest.json")
    frame = pd.concat(
        [_read(dataset / f"{part}.parquet", manifest) for part in parts], ignore_index=True
    )
    where = " and ".join(str(dataset / f"{part}.parquet") for part in parts)
    if frame.empty:
        raise EvaluationError(
            "there are no rows", where=where, remedy="take in more records or widen `split`"
        )
    labels = frame[LABEL].to_numpy(dtype=np.float64)
    if manifest.kind == "binary":
        _check_classes(labels, manifest, where)
    elif not np.isfinite(labels).all():
        raise EvaluationError(f"{LABEL} is no number somewhere", where=where)
    return Rows(manifest, frame, labels, where)


def _check_classes(labels: NDArray[np.float64], manifest: DatasetManifest, where: str) -> None:
    if not np.isin(labels, (0.0, 1.0)).all():
        raise EvaluationError(f"{LABEL} is neither 0 nor 1 somewhere", where=where)
    if labels.min() == labels.max():
        kind = "positive" if labels[0] == 1 else "negative"
        raise EvaluationError(
            "no metric can be computed from one class",
            where=where,
            found=f"{len(labels)} rows, all {kind}",
            expected=f"rows with and without {manifest.positive!r}",
            remedy="take in more records or widen `split`",
        )


def _read(file: Path, manifest: DatasetManifest) -> pd.DataFrame:
    try:
        frame = pd.read_parquet(file)
    except (OSError, ValueError) as error:
        raise EvaluationError(
            f"cannot be read: {error}", where=str(file), remedy="assemble the dataset again"
        ) from error
    wanted = [LABEL, *(f.name for f in manifest.features), *(SLICE + s for s in manifest.slices)]
    missing = [name for name in wanted if name not in frame.columns]
    if missing:
        raise EvaluationError(
            f"the column {missing[0]!r} is missing",
            where=str(file),
            found=", ".join(map(str, frame.columns)),
            remedy="assemble the dataset again",
        )
    return frame
