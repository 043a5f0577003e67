"""How far two samples of one feature are apart: 0 the same, 1 disjoint."""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt


def kolmogorov_smirnov(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> float:
    """Return the greatest difference of two empirical distribution functions.

    Args:
        one: float32 [n], n > 0, NaN for missing.
        other: float32 [m], m > 0, NaN for missing.

    Missing values count as greater than any number, so a change of their share is seen too.
    """
    one, other = (np.sort(np.where(np.isnan(v), np.inf, v)) for v in (one, other))
    points = np.concatenate([one, other])
    below_one = np.searchsorted(one, points, side="right") / len(one)
    below_other = np.searchsorted(other, points, side="right") / len(other)
    return float(np.abs(below_one - below_other).max())


def total_variation(one: list[str], other: list[str]) -> float:
    """Return half the sum of the differences of the values' shares; '' is a value like any other.

    Args:
        one: at least one value.
        other: at least one value.
    """
    shares = Counter(one), Counter(other)
    values = sorted({*one, *other})  # sums of floats depend on their order, sets on the process
    return sum(abs(shares[0][v] / len(one) - shares[1][v] / len(other)) for v in values) / 2
