"""What the metrics of every kind share: bins of equally many rows, and ratios."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BINS = 10
"""Bins of a calibration error and of a calibration curve."""


def bins_of(scores: Floats) -> NDArray[np.intp]:
    """Return which of BINS bins of about equally many rows each score is in; shape [n].

    Tied scores stay together, so that a bin may be empty.
    """
    edges = np.quantile(scores, np.arange(1, BINS) / BINS)
    return np.searchsorted(edges, scores, side="right")


def ratio(above: Floats, below: Floats, otherwise: float = np.nan) -> Floats:
    """Return a ratio, and another value where the lower part is not above 0."""
    return np.divide(above, below, out=np.full_like(below, otherwise), where=below > 0)
