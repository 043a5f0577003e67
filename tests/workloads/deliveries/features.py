"""How features come from deliveries: one pure function for each feature view."""

import pandas as pd


def courier_profile(records: pd.DataFrame) -> pd.DataFrame:
    """What a courier rides, and for how many months: as far as any record says so."""
    return records.groupby("courier_id", as_index=False)[["vehicle", "months"]].first()


def shop_kitchen(records: pd.DataFrame) -> pd.DataFrame:
    """What a shop cooks, and how long that takes on average."""
    known = records.groupby("shop_id", as_index=False)
    return known.agg(kitchen=("kitchen", "first"), preparation=("preparation", "mean"))


def courier_route(records: pd.DataFrame) -> pd.DataFrame:
    """How far a courier has to go from a shop, in which weather."""
    return records[["courier_id", "shop_id", "distance", "weather", "gift"]]
