"""Labels that are numbers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from millrace.dataset.labels import require_labels
from millrace.errors import DatasetError
from millrace.workload.target import RegressionTarget


def number_labels(
    found: pd.Series, target: RegressionTarget, where: str
) -> npt.NDArray[np.float32]:
    """Return n labels as a dataset holds them: float32 of shape [n], all finite, not all the same.

    Args:
        found: the labels as the records have them, none missing.
        target: what the workload declares of them.
        where: the place of that, for messages.

    Raises:
        DatasetError: there are no labels, all are the same, or one is beyond float32.
    """
    require_labels(found, target, where)
    exact = found.to_numpy(dtype=np.float64)
    with np.errstate(over="ignore"):
        labels = exact.astype(np.float32)
    infinite = np.flatnonzero(~np.isfinite(labels))
    if len(infinite):
        raise DatasetError(
            f"a label is beyond the range of float32 in {len(infinite)} of {len(labels)} records",
            where=where,
            found=f"{target.column} {exact[infinite[0]]:g}",
            expected=f"numbers within \u00b1{np.finfo(np.float32).max:.3g}",
            remedy="bound the column with `max` in the contract, or predict another unit of it",
        )
    if labels.min() == labels.max():
        raise DatasetError(
            "the target is constant: every label is the same number",
            where=where,
            found=f"{target.column} {labels[0]:g} in {len(labels)} records",
            expected="records with different numbers",
            remedy="check `column` in `target`, and the source",
        )
    return labels
