"""The e-value of one interval: two arms, their counts, and a bet on the side of a line.

Let the arms have n_a and n_b events of which k_a and k_b are bad, with bad rates q_a and q_b, and
let the null say on which side of the line q_b - q_a = d the rates are. Take any point (p_a, p_b)
of the line and any stake s, both chosen without a look at k_a and k_b, and multiply over all
events, x being 1 for a bad one and 0 for a good one,

    E = product over b of (1 + (x - p_b) s / n_b)  *  product over a of (1 - (x - p_a) s / n_a).

An event's expected factor is 1 + (q - p) D <= exp((q - p) D), so

    E[E] <= exp(s (q_b - p_b) - s (q_a - p_a)) = exp(s (q_b - q_a - d)) <= 1

for s >= 0 and the null q_b - q_a <= d, and for s <= 0 and the null q_b - q_a >= d. Only the mean
rates of the arms' events enter: a rate may change within the interval as long as both arms feel it.

This is the e-variable of Turner, Ly and Gruenwald (arXiv 2106.02693) and of Turner and Gruenwald
(AISTATS 2023, arXiv 2302.11401), read backwards. There one names an alternative (t_a, t_b) and
looks for the point of the null with the least n_a KL(t_a, p_a) + n_b KL(t_b, p_b); E is then the
product of likelihood ratios. Here point and stake come first, and the alternative follows:
t_b = p_b + p_b (1 - p_b) s / n_b and t_a = p_a - p_a (1 - p_a) s / n_a. The condition for the
least divergence along the line is that s is the same in both, so the family is the same one,
without a minimum to search and hence without an error of a search.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.floating[Any]]

_WHOLE = 1 - 1e-6
"""Part of the largest possible stake that may be put in, so that no factor is 0."""


def largest_stake(
    n_a: Numbers, n_b: Numbers, p_a: Numbers, p_b: Numbers
) -> tuple[Numbers, Numbers]:
    """Return how far the stake may go down and up before a factor is no longer positive.

    Args:
        n_a: events of arm a, any shape, positive.
        n_b: events of arm b, likewise.
        p_a: the line's point, arm a, 0 to 1.
        p_b: the line's point, arm b, 0 to 1.
    """
    with np.errstate(divide="ignore", over="ignore"):
        down = np.minimum(n_a / p_a, n_b / (1 - p_b))
        up = np.minimum(n_a / (1 - p_a), n_b / p_b)
    return -_WHOLE * down, _WHOLE * up


def log_e_value(
    n_a: Numbers, k_a: Numbers, n_b: Numbers, k_b: Numbers, p_a: Numbers, p_b: Numbers, s: Numbers
) -> Numbers:
    """Return the natural logarithm of an interval's e-value; shapes broadcast.

    Args:
        n_a: events of arm a; where an arm has none, the e-value is 1.
        k_a: bad ones of them.
        n_b: events of arm b.
        k_b: bad ones of them.
        p_a: the line's point, arm a, 0 to 1.
        p_b: the line's point, arm b, 0 to 1; p_b - p_a is the d of the null.
        s: stake, within `largest_stake`: positive says that b is worse, negative that it is not.
    """
    both = (n_a > 0) & (n_b > 0)
    d_a = np.where(both, -s / np.maximum(n_a, 1), 0.0)
    d_b = np.where(both, s / np.maximum(n_b, 1), 0.0)
    return (
        k_a * np.log1p((1 - p_a) * d_a)
        + (n_a - k_a) * np.log1p(-p_a * d_a)
        + k_b * np.log1p((1 - p_b) * d_b)
        + (n_b - k_b) * np.log1p(-p_b * d_b)
    )
