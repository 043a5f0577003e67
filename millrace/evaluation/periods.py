"""The test window told apart by time: how each model does from one period to the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from millrace.dataset.manifest import EVENT_TIME
from millrace.evaluation.bootstrap import Draws
from millrace.evaluation.held_out import Rows
from millrace.evaluation.result import PeriodResult, leading
from millrace.evaluation.slices import tells_anything


@dataclass(frozen=True, eq=False)
class Stretch:
    """A period of the test window.

    Attributes:
        start: where it starts; not included.
        end: where it ends; included.
        rows: which of the held-out rows lie in it.
    """

    start: datetime
    end: datetime
    rows: NDArray[np.intp]


def stretches(rows: Rows) -> list[Stretch]:
    """Return the periods of the test window, the last one ending where it ends; [] for only one.

    One with too few rows to tell anything is left out.
    """
    rule = rows.manifest.split
    if rule.roll is None or rule.train_until is None or EVENT_TIME not in rows.frame.columns:
        return []
    length = timedelta(seconds=rule.roll)
    start = datetime.fromisoformat(rule.train_until) + timedelta(seconds=rule.validation)
    end = start + timedelta(seconds=rule.test)
    times = rows.frame[EVENT_TIME]
    found = []
    while end > start:
        begins = max(start, end - length)
        inside = (times > pd.Timestamp(begins)) & (times <= pd.Timestamp(end))
        members = np.flatnonzero(inside.to_numpy())
        if tells_anything(rows, members):
            found.append(Stretch(begins, end, members))
        end = begins
    return found[::-1]


def period_results(
    rows: Rows, found: Sequence[Stretch], drawn: Mapping[tuple[int, str], Mapping[str, Draws]]
) -> list[PeriodResult]:
    """Return how each model did in each period, by the metric it is known by.

    Args:
        rows: the held-out rows.
        found: the periods.
        drawn: the metrics of a model in a period, by the period's number and the model's name.
    """
    return [
        PeriodResult(
            start=stretch.start.isoformat(),
            end=stretch.end.isoformat(),
            rows=len(stretch.rows),
            mean_label=float(rows.labels[stretch.rows].mean()),
            scores={
                name: draws[metric].estimate(f"{metric} of the {name} since {stretch.start}")
                for (place, name), draws in drawn.items()
                if place == number and (metric := leading(draws)) is not None
            },
        )
        for number, stretch in enumerate(found)
    ]
