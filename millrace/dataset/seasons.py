"""What was to be predicted from one period to the next, over all parts of a training set."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from millrace.dataset.manifest import Season, SplitRule


def seasons_of(rule: SplitRule, times: pd.Series, labels: npt.NDArray[np.float32]) -> list[Season]:
    """Return the periods of a split by time, counted back from its end; [] for another split.

    They are as long as those that the test window is told apart by; without, as the test window.
    One that begins before the day of the first row is left out: that it holds fewer rows, of some
    of its days only, is no season.

    Args:
        rule: how rows are divided.
        times: the event times of n rows.
        labels: their labels; shape [n].
    """
    if rule.train_until is None:
        return []
    length = timedelta(seconds=rule.roll or rule.test)
    held_out = timedelta(seconds=rule.validation + rule.test)
    end = datetime.fromisoformat(rule.train_until) + held_out
    ago = (pd.Timestamp(end) - times).dt.total_seconds().to_numpy()
    back = np.floor_divide(ago, length.total_seconds()).astype(np.int64)
    return [
        Season(
            start=(end - (number + 1) * length).isoformat(),
            end=(end - number * length).isoformat(),
            rows=int((back == number).sum()),
            mean_label=float(labels[back == number].mean(dtype=np.float64)),
        )
        for number in sorted({int(number) for number in back}, reverse=True)
        if end - (number + 1) * length >= times.min().floor("D")
    ]
