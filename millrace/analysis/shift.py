"""Evidence that the canary's scores lie further from the stable arm's than is expected.

The total variation distance of two distributions over bins is the largest P_b(A) - P_a(A) over
all sets A of bins. So if it is at most d, then P_b(A) - P_a(A) <= d for any A, also for one that
was picked by a look at earlier intervals: those bins that the canary's scores fell into more often.
"In A" takes the place of "bad", and the rest is the test of `bet`. That a distance is less than d
cannot be shown by one A, so there is no evidence of `no worse`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from millrace.analysis.bet import Numbers
from millrace.analysis.evidence import log_evidence
from millrace.analysis.stakes import MEMORY

_PRIOR = 0.5


def log_evidence_of_shift(stable: Numbers, canary: Numbers, distance: float) -> Numbers:
    """Return the natural logarithm of the e-process against `total variation <= distance`, [T].

    Args:
        stable: predictions of the stable arm by bin, [T, bins].
        canary: likewise.
        distance: total variation distance that is expected, 0 to 1.
    """
    chosen, rate = _sets(stable, canary)
    return log_evidence(
        stable.sum(axis=-1),
        (stable * chosen).sum(axis=-1),
        canary.sum(axis=-1),
        (canary * chosen).sum(axis=-1),
        rate=rate,
        excess=np.where(chosen.any(axis=-1), distance, 1.0),
        side="worse",
    )


def bins_risen(stable: Numbers, canary: Numbers) -> NDArray[np.bool_]:
    """Return which bins have a larger share of the canary's predictions, [bins].

    Args:
        stable: predictions of the stable arm by bin, [bins].
        canary: likewise.
    """
    return np.asarray(canary * stable.sum() > stable * canary.sum())


def _sets(stable: Numbers, canary: Numbers) -> tuple[Numbers, Numbers]:
    """Return which bins each interval's past chooses, [T, bins], and the stable arm's rate, [T]."""
    chosen = np.zeros(stable.shape)
    rate = np.zeros(len(stable))
    a, b = np.zeros(stable.shape[1]), np.zeros(stable.shape[1])
    for t in range(len(stable)):
        chosen[t] = bins_risen(a, b)
        rate[t] = (a @ chosen[t] + _PRIOR) / (a.sum() + 2 * _PRIOR)
        a = MEMORY * a + stable[t]
        b = MEMORY * b + canary[t]
    return chosen, rate
