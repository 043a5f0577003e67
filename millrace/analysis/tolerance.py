"""What a tolerated excess over all traffic means for the canary alone.

A canary with the share w of all requests, whose rate of bad events is higher by x, makes all
traffic worse by w * x. So a tolerance of all traffic allows the canary tolerance / w: much while
few requests depend on it, little later; and a promoted one, with w = 1, the tolerance itself.
"""

from __future__ import annotations

import numpy as np

from millrace.analysis.bet import Numbers

_MOST = 0.99
"""A step never calls a canary `no worse` that may fail on every request more than the stable arm,
however little its weight."""


def allowed(tolerance: Numbers | float, weight: Numbers | float) -> Numbers:
    """Return by how much the canary's rate may be higher; 1 or more if nothing is too bad."""
    return np.asarray(tolerance / np.asarray(weight, float))


def allowed_to_leave(tolerance: Numbers | float, weight: Numbers | float) -> Numbers:
    """Return what the canary's excess must be shown to be below before it leaves a step."""
    return np.minimum(allowed(tolerance, weight), _MOST)
