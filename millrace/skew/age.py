"""Whether values of a view with a time to live were too old when they were served."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from millrace.features.definitions import EVENT_TIMESTAMP
from millrace.features.lookup import ViewLookup
from millrace.features.offline import read_offline
from millrace.features.records import to_frame
from millrace.skew.rows import Reading
from millrace.storage import Store

_SINCE, _ROW = "__since__", "__row__"


@dataclass(frozen=True)
class Ages:
    """Of n readings, which had a value that was too old. Shape [n] each.

    Attributes:
        expired: those that surely had.
        uncertain: those that had or not, within what is known of the time at which they were read.
    """

    expired: npt.NDArray[np.bool_]
    uncertain: npt.NDArray[np.bool_]


def ages_of(
    workload: str,
    view: ViewLookup,
    keys: pd.DataFrame,
    readings: Sequence[Reading],
    store: Store,
    margin: timedelta,
) -> Ages:
    """Return which of n readings of a view had a value that was too old.

    The point-in-time join already leaves out what was too old when the view was brought online;
    what was served later may have become so since.

    Raises:
        FeatureError: the view has changed since.
    """
    never = np.zeros(len(readings), np.bool_)
    table = read_offline(store, workload, view) if view.ttl_seconds else None
    if table is None:
        return Ages(never, never)
    order = [key.name for key in view.join_keys]
    rows = to_frame(table.select([*order, EVENT_TIMESTAMP]))
    rows[_SINCE] = rows[EVENT_TIMESTAMP]
    untils = pd.to_datetime([reading.online.until for reading in readings], utc=True)
    asked = keys.astype(rows[order].dtypes.to_dict())
    asked[EVENT_TIMESTAMP] = pd.Series(untils).astype(rows[EVENT_TIMESTAMP].dtype)
    asked[_ROW] = range(len(asked))
    joined = pd.merge_asof(
        asked.sort_values(EVENT_TIMESTAMP, kind="stable"),
        rows.sort_values(EVENT_TIMESTAMP, kind="stable"),
        on=EVENT_TIMESTAMP,
        by=order,
    )
    since = joined.sort_values(_ROW)[_SINCE].reset_index(drop=True)
    moments = pd.Series(pd.to_datetime([reading.row.moment for reading in readings], utc=True))
    age = (moments - since).dt.total_seconds().to_numpy(np.float64)
    expired = age - margin.total_seconds() > view.ttl_seconds
    return Ages(expired, (age + margin.total_seconds() > view.ttl_seconds) & ~expired)
