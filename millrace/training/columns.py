"""A part of a training set, column by column, as Parquet holds it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from millrace.dataset.manifest import LABEL, Feature, Part
from millrace.errors import DatasetError


@dataclass(frozen=True)
class Columns:
    """Features of n rows, in the order of the manifest within each kind, and their labels.

    Attributes:
        numbers: float32 [n, numbers], NaN for missing.
        categories: a text column of n rows for each category, '' for missing.
        label: float32 [n], 1 for the positive class and else 0, or the number itself.
    """

    numbers: npt.NDArray[np.float32]
    categories: tuple[pa.ChunkedArray, ...]
    label: npt.NDArray[np.float32]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.label)


def read_columns(dataset: Path, part: Part, features: list[Feature]) -> Columns:
    """Return the features and labels of one part of a training set, in its order.

    Args:
        dataset: a dataset's folder.
        part: which part of it.
        features: the features, from its manifest.

    Raises:
        DatasetError: the file is missing, lacks a feature, or holds an infinite number.
    """
    return columns_of(read_table(dataset, part), features, where=f"{dataset / part}.parquet")


def read_table(dataset: Path, part: Part) -> pa.Table:
    """Return one part of a training set, in its order.

    Raises:
        DatasetError: the file is missing or is no Parquet.
    """
    file = dataset / f"{part}.parquet"
    try:
        return pq.read_table(file, partitioning=None)
    except (OSError, pa.ArrowInvalid) as error:
        raise DatasetError(
            f"cannot be read: {str(error).splitlines()[0]}",
            where=str(file),
            remedy="run the step assemble again",
        ) from error


def columns_of(table: pa.Table, features: list[Feature], where: str = "the rows") -> Columns:
    """Return the features and labels of a table.

    Raises:
        DatasetError: a feature is not there, or a number is infinite.
    """
    absent = [
        name for name in [*(f.name for f in features), LABEL] if name not in table.column_names
    ]
    if absent:
        raise DatasetError(
            f"the column {absent[0]!r} is not there",
            where=where,
            found=", ".join(table.column_names),
            remedy="run the step assemble again",
        )
    numbers = [_number(table, f.name, where) for f in features if f.kind == "number"]
    categories = [
        pc.fill_null(table[f.name].cast(pa.string()), "") for f in features if f.kind == "category"
    ]
    return Columns(
        np.column_stack(numbers) if numbers else np.empty((len(table), 0), np.float32),
        tuple(categories),
        table[LABEL].to_numpy().astype(np.float32),
    )


def _number(table: pa.Table, name: str, where: str) -> npt.NDArray[np.float32]:
    with np.errstate(over="ignore"):
        values: npt.NDArray[np.float32] = table[name].to_numpy().astype(np.float32)
    infinite = np.flatnonzero(np.isinf(values))
    if len(infinite):
        raise DatasetError(
            f"the feature {name!r} is infinite in row {infinite[0]}",
            where=where,
            found=f"{len(infinite)} such rows",
            expected="numbers within the range of float32, or NaN for missing",
            remedy="mend its function in features.py, often a division by zero",
        )
    return values
