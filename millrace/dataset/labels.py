"""Labels of two classes, slice groups as text, and what labels a run may know."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from millrace.dataset.manifest import PARTS
from millrace.errors import DatasetError
from millrace.workload.target import BinaryTarget, Target
from millrace.workload.time import Time

_LEAST = 2
"""Rows of a class that training and testing need."""


def as_text(values: pd.Series) -> pd.Series:
    """Return values as text, as YAML would spell them; '' where they are missing."""
    spell: Callable[[Any], str] = str
    if pd.api.types.is_bool_dtype(values.dtype):
        spell = {True: "true", False: "false"}.__getitem__
    elif pd.api.types.is_float_dtype(values.dtype):
        spell = "{:.15g}".format
    elif pd.api.types.is_datetime64_any_dtype(values.dtype):
        spell = pd.Timestamp.isoformat
    pairs = zip(values.astype(object), values.isna(), strict=True)
    texts = ["" if missing else spell(value) for value, missing in pairs]
    return pd.Series(texts, index=values.index, dtype=object)


def known_labels(
    records: pd.DataFrame, target: Target, time: Time | None, as_of: datetime
) -> npt.NDArray[np.bool_]:
    """Return which of n records have a label that was known at the as-of time. Shape [n]."""
    known = records[target.column].notna()
    if time is not None:
        for column in (time.event, time.label_known or time.event):
            known &= records[column] <= as_of
    return known.to_numpy(dtype=np.bool_)


def require_labels(found: pd.Series, target: Target, where: str) -> None:
    """See that a label is known at all.

    Raises:
        DatasetError: there is none.
    """
    if found.empty:
        raise DatasetError(
            f"no record has a known {target.column!r}",
            where=where,
            remedy="take in records whose label is known at the as-of time",
        )


def check_both_classes(found: pd.Series, target: BinaryTarget, where: str) -> None:
    """Hold labels to be of two classes, each seen more than once.

    Args:
        found: the labels as text.
        target: what the workload declares of them.
        where: the place of that, for messages.

    Raises:
        DatasetError: there are no labels, all are of one class, or a class is seen only once.
    """
    require_labels(found, target, where)
    positives = int((found == target.positive).sum())
    counts = found.value_counts()
    values = ", ".join(f"{value!r} ({count})" for value, count in counts.head(5).items())
    more = ", ..." if len(counts) > 5 else ""
    expected = f"records with {target.column} {target.positive!r} and records with another value"
    if positives in (0, len(found)):
        kind = "positive" if positives else "negative"
        raise DatasetError(
            f"the target is constant: every label is {kind}",
            where=where,
            found=values + more,
            expected=expected,
            remedy="check `positive` in `target`, and the source",
        )
    fewest = min(positives, len(found) - positives)
    if fewest < _LEAST:
        kind = "positive" if positives == fewest else "negative"
        raise DatasetError(
            f"the {kind} class is seen only once in {len(found)} records",
            where=where,
            found=values + more,
            expected=expected,
            remedy="take in more records of that class",
        )


def check_rows(parts: npt.NDArray[np.str_], where: str) -> None:
    """Hold each part to have rows.

    Args:
        parts: the part of each row; shape [n].
        where: the place where the split is declared, for messages.

    Raises:
        DatasetError: a part is empty.
    """
    for part in PARTS:
        if not (parts == part).any():
            raise DatasetError(
                f"the {part} part is empty",
                where=where,
                found=", ".join(f"{other} {int((parts == other).sum())}" for other in PARTS),
                expected="rows in every part",
                remedy="take in more records, or change `split`",
            )


def check_parts(labels: npt.NDArray[np.float32], parts: npt.NDArray[np.str_], where: str) -> None:
    """Hold each part to have rows, and training and test part to have both classes.

    Args:
        labels: 1 for the positive class, else 0; shape [n].
        parts: the part of each row; shape [n].
        where: the place where the split is declared, for messages.

    Raises:
        DatasetError: a part is empty, or lacks a class.
    """
    check_rows(parts, where)
    for part in PARTS:
        inside = labels[parts == part]
        positives = int(inside.sum())
        if part != "validation" and min(positives, len(inside) - positives) < _LEAST:
            raise DatasetError(
                f"the {part} part lacks a class",
                where=where,
                found=f"{positives} positive and {len(inside) - positives} negative rows",
                expected=f"{_LEAST} or more of each",
                remedy="take in more records, or change `split`",
            )
