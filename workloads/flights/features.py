"""How features come from flights: one pure function for each feature view of definitions.py.

`records` are flights that keep the contract of workload.yaml. What became of a flight is known at
`arrived` and no earlier, so delays count from then on; a flight that was cancelled never arrives
and counts nowhere.
"""

import pandas as pd

from millrace.features import trailing

WEATHER = ["temp", "humid", "wind_speed", "wind_gust", "precip", "pressure", "visib"]


def carrier_delays(records: pd.DataFrame) -> pd.DataFrame:
    """How late the carrier's flights have arrived lately, and how many have."""
    return trailing(
        records,
        keys=["carrier"],
        at="arrived",
        carrier_late_3h=("late", "mean", "3h"),
        carrier_late_7d=("late", "mean", "7d"),
        carrier_delay_3h=("arr_delay", "mean", "3h"),
        carrier_arrivals_3h=("late", "count", "3h"),
    )


def origin_delays(records: pd.DataFrame) -> pd.DataFrame:
    """How late the flights that left this airport have arrived lately."""
    return trailing(
        records,
        keys=["origin"],
        at="arrived",
        origin_late_1h=("late", "mean", "1h"),
        origin_late_3h=("late", "mean", "3h"),
        origin_delay_3h=("arr_delay", "mean", "3h"),
        origin_late_1d=("late", "mean", "1d"),
    )


def route_delays(records: pd.DataFrame) -> pd.DataFrame:
    """How late the route's flights have arrived lately."""
    return trailing(
        records,
        keys=["origin", "dest"],
        at="arrived",
        route_late_6h=("late", "mean", "6h"),
        route_late_7d=("late", "mean", "7d"),
        route_delay_7d=("arr_delay", "mean", "7d"),
    )


def aircraft_delays(records: pd.DataFrame) -> pd.DataFrame:
    """How late the aircraft's flights have arrived lately."""
    return trailing(
        records,
        keys=["tailnum"],
        at="arrived",
        aircraft_delay_6h=("arr_delay", "mean", "6h"),
        aircraft_late_1d=("late", "mean", "1d"),
        aircraft_late_7d=("late", "mean", "7d"),
    )


def aircraft(records: pd.DataFrame) -> pd.DataFrame:
    """Return the year it was built in, its seats and its model, wherever they are known."""
    rows = records[["tailnum", "scheduled", "built", "seats", "model"]]
    return rows.rename(columns={"scheduled": "event_timestamp"}).drop_duplicates(
        ["tailnum", "event_timestamp"]
    )


def airport_weather(records: pd.DataFrame) -> pd.DataFrame:
    """Return the weather of the hour before flights leave: that of an hour is known at its end."""
    rows = records[["origin", "hour", *WEATHER]].rename(columns={"hour": "event_timestamp"})
    return rows.drop_duplicates(["origin", "event_timestamp"])
