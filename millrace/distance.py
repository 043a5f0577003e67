"""How far two samples of one column are apart: 0 the same, 1 disjoint."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

Value = TypeVar("Value", bound=Hashable)


def kolmogorov_smirnov(
    one: npt.NDArray[np.floating[Any]], other: npt.NDArray[np.floating[Any]]
) -> float:
    """Return the greatest difference of two empirical distribution functions, 0 to 1.

    Missing values sort below everything, minus infinity too, so a change of their share counts.

    Args:
        one: numbers of shape [n], n > 0, NaN for missing.
        other: numbers of shape [m], m > 0, NaN for missing.
    """
    known = [np.sort(part[~np.isnan(part)]) for part in (one, other)]
    points = np.concatenate(known)
    shares = [
        (len(part) - len(there) + np.searchsorted(there, points, side="right")) / len(part)
        for part, there in zip((one, other), known, strict=True)
    ]
    missing = np.isnan(one).mean() - np.isnan(other).mean()
    return float(np.abs(shares[0] - shares[1]).max(initial=abs(missing)))


def total_variation(one: Mapping[Value, int], other: Mapping[Value, int]) -> float:
    """Return half the sum of the differences of the values' shares, 0 to 1.

    A missing value is a value like any other, whatever stands for it.

    Args:
        one: how often each value occurs; one of them at least once.
        other: the same of the other sample.
    """
    rows, others = sum(one.values()), sum(other.values())
    gaps = (abs(one.get(v, 0) / rows - other.get(v, 0) / others) for v in {*one, *other})
    return math.fsum(gaps) / 2  # a plain sum would depend on the order of the values
