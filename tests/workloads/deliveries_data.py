"""Made-up deliveries: the same for the same seed, with what real ones have that is awkward."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pandas as pd

from millrace.dataset.split import place_of_entities

COURIERS, SHOPS = 40, 35
TEST = 0.3
"""Share of the test part, as workload.yaml says."""
UNSEEN = "hail"
"""A weather that only deliveries of the test part have."""
_MISSING = 0.04
_SPEED = {"bike": 4.5, "car": 2.5, "scooter": 3.0}
_WEATHER = {"dry": 0.0, "rain": 4.0, "snow": 9.0}
_KITCHENS = ("curry", "pasta", "soup")


def deliveries(rows: int = 1200, seed: int = 7) -> pd.DataFrame:
    """Return records: each pair of courier and shop once at most, values missing everywhere.

    Minutes grow with distance, vehicle, weather and the kitchen; the further, the less certain.
    """
    random = np.random.default_rng(seed)
    pairs = np.array(list(itertools.product(range(COURIERS), range(1, SHOPS + 1))))
    courier, shop = random.permutation(pairs)[:rows].T
    vehicles = random.choice(list(_SPEED), COURIERS)
    months = random.integers(0, 60, COURIERS)
    preparation = random.gamma(6, 2, SHOPS + 1).round(1)
    frame = pd.DataFrame(
        {
            "courier_id": [f"c{number:02}" for number in courier],
            "shop_id": shop,
            "vehicle": vehicles[courier],
            "months": months[courier],
            "kitchen": [_KITCHENS[number % len(_KITCHENS)] for number in shop],
            "preparation": (preparation[shop] + random.normal(0, 0.5, rows)).clip(0).round(1),
            "distance": random.gamma(3, 1.2, rows).round(2),
            "weather": random.choice(list(_WEATHER), rows, p=[0.6, 0.3, 0.1]),
            "gift": random.choice(["true", "false"], rows),
        }
    )
    frame["minutes"] = _minutes(frame, random)
    tested = place_of_entities(frame[["courier_id", "shop_id"]]) < TEST
    frame.loc[tested & (random.random(rows) < 0.1), "weather"] = UNSEEN
    return _with_gaps(frame, random)


def write_deliveries(folder: Path, rows: int = 1200) -> None:
    """Write the records to where the workload in a folder reads them."""
    (folder / "data").mkdir(exist_ok=True)
    deliveries(rows).to_csv(folder / "data" / "deliveries.csv", index=False)


def _minutes(frame: pd.DataFrame, random: np.random.Generator) -> pd.Series:
    ride = frame["distance"] * frame["vehicle"].map(_SPEED)
    mean = 5 + ride + frame["preparation"] + frame["weather"].map(_WEATHER)
    noise = random.normal(0, 1, len(frame)) * (1 + 0.8 * frame["distance"])
    return (mean - 0.05 * frame["months"] + noise).clip(lower=1).round(1)


def _with_gaps(frame: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """Leave a value out here and there, in every column; keys only now and then."""
    gaps = frame.astype(object)
    for name in gaps.columns:
        share = _MISSING / 4 if name.endswith("_id") else _MISSING
        gaps.loc[random.random(len(gaps)) < share, name] = None
    return gaps
