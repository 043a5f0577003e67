"""Which held-out rows stand or fall together, and so are drawn together.

Flights of one stormy day are late together, and events of one customer are alike: to draw them one
by one would take them for more evidence than they are (block bootstrap; Künsch 1989, Ann. Statist.
17:1217, and Field and Welsh 2007, JRSS B 69:369, for clusters).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from millrace.dataset.manifest import EVENT_TIME
from millrace.evaluation.held_out import Rows

DAY = pd.Timedelta(days=1)
LEAST = 20
"""Blocks of time at least: fewer say little of how blocks differ."""


def blocks_of(rows: Rows) -> NDArray[np.intp] | None:
    """Return the block of each of n rows, counted from 0, shape [n]; None if each is its own.

    With event times, a block is a day, or a twentieth of the time there is where that is shorter.
    Without, it is all rows of one entity.
    """
    if EVENT_TIME in rows.frame.columns:
        return _of_time(rows.frame[EVENT_TIME])
    keys = [key for key in rows.manifest.join_keys if key in rows.frame.columns]
    if not keys or not rows.frame.duplicated(keys).any():
        return None
    return np.asarray(rows.frame.groupby(keys, sort=False).ngroup(), dtype=np.intp)


def _of_time(times: pd.Series) -> NDArray[np.intp] | None:
    since = times - times.min()
    length = min(DAY, since.max() / LEAST)
    if length <= pd.Timedelta(0):
        return None
    number = since // length
    if length < DAY:
        number = number.clip(upper=LEAST - 1)  # the last moment closes the last block
    return np.unique(number.to_numpy(dtype=np.int64), return_inverse=True)[1].astype(np.intp)
