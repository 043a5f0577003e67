"""How features come from rentals."""

import pandas as pd

from millrace.features import trailing


def station_delays(records: pd.DataFrame) -> pd.DataFrame:
    """How late the station's bikes have come back lately, and how many have."""
    return trailing(
        records,
        keys=["station"],
        at="returned",
        station_late_2d=("late", "mean", "2d"),
        station_returns_2d=("late", "count", "2d"),
    )
