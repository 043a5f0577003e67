"""Trailing features of a quarter of the flights, next to pandas' groupby-rolling."""

from __future__ import annotations

import statistics
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.flights_data import records_until
from benchmarks.rows import Row, against_peer
from millrace.features import trailing
from millrace.features.windows import Aggregation

AS_OF = datetime(2013, 4, 1, tzinfo=UTC)
REPEATS = 5
AT_LEAST = 5
VIEWS: dict[str, tuple[list[str], dict[str, Aggregation]]] = {
    "by carrier": (
        ["carrier"],
        {
            "late_3h": ("late", "mean", "3h"),
            "late_7d": ("late", "mean", "7d"),
            "delay_3h": ("arr_delay", "mean", "3h"),
            "arrivals_3h": ("late", "count", "3h"),
        },
    ),
    "by route": (
        ["origin", "dest"],
        {"late_6h": ("late", "mean", "6h"), "delay_7d": ("arr_delay", "sum", "7d")},
    ),
    "by aircraft": (
        ["tailnum"],
        {"delay_6h": ("arr_delay", "mean", "6h"), "late_7d": ("late", "mean", "7d")},
    ),
}


def run() -> list[Row]:
    """Return a row a view: the median seconds of each, whose results are equal."""
    records = records_until(Path("workloads/flights"), AS_OF)
    return [_row(name, records, *view) for name, view in VIEWS.items()]


def _row(
    name: str, records: pd.DataFrame, keys: list[str], aggregations: dict[str, Aggregation]
) -> Row:
    taken: dict[str, list[float]] = {"ours": [], "peer": []}
    results = {}
    for _ in range(REPEATS):
        for who, compute in (("ours", _ours), ("peer", _pandas)):
            began = time.perf_counter()
            results[who] = compute(records, keys, aggregations)
            taken[who].append(time.perf_counter() - began)
    _expect_equal(results, keys, list(aggregations))
    ours, peer = statistics.median(taken["ours"]), statistics.median(taken["peer"])
    told = f"rolling features {name}, rows a second against pandas"
    return against_peer(told, len(records) / ours, len(records) / peer, at_least=AT_LEAST)


def _ours(records: pd.DataFrame, keys: list[str], aggregations: dict[str, Aggregation]) -> Any:
    return trailing(records, keys=keys, at="arrived", **aggregations)


def _pandas(records: pd.DataFrame, keys: list[str], aggregations: dict[str, Aggregation]) -> Any:
    """Return the same as one would write it with pandas alone.

    A row without values stands where an event leaves a window, so that the window is seen to
    change there.
    """
    columns = list(dict.fromkeys(column for column, _, _ in aggregations.values()))
    known = records[records["arrived"].notna()][[*keys, "arrived", *columns]]
    known = known.astype(dict.fromkeys(columns, "float64"))
    windows = {window for _, _, window in aggregations.values()}
    leaving = [
        known[[*keys, "arrived"]].assign(arrived=known["arrived"] + pd.Timedelta(window))
        for window in sorted(windows)
    ]
    moments = pd.concat([known, *leaving]).sort_values("arrived", kind="stable")
    rolled = {}
    for name, (column, kind, window) in aggregations.items():
        rolling = moments.groupby(keys, sort=True).rolling(window, on="arrived")[column]
        rolled[name] = getattr(rolling, kind)()
    rows = pd.DataFrame(rolled).reset_index()
    # of several rows of one key at one time only the last window has them all
    return rows.drop_duplicates([*keys, "arrived"], keep="last")


def _expect_equal(results: dict[str, Any], keys: list[str], names: list[str]) -> None:
    ours = results["ours"].sort_values([*keys, "event_timestamp"], ignore_index=True)
    peer = results["peer"].sort_values([*keys, "arrived"], ignore_index=True)
    since = (peer["arrived"] + pd.Timedelta(microseconds=1)).to_numpy("datetime64[us]")
    if not np.array_equal(ours["event_timestamp"].to_numpy("datetime64[us]"), since):
        raise SystemExit(f"pandas has other rows: {len(peer)}, and we have {len(ours)}")
    for name in names:
        mine, theirs = (frame[name].to_numpy(np.float64, na_value=np.nan) for frame in (ours, peer))
        np.testing.assert_allclose(mine, theirs, rtol=1e-6, atol=1e-6)
