"""Made-up rentals: the same for the same seed; rain makes them late, later the sun."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd

WORKLOAD = Path(__file__).parent / "rentals"
START = pd.Timestamp("2024-03-01", tz="UTC")
DAYS, PER_DAY = 60, 20
CHANGE = 25
"""Day on which the world changes."""
TIMES = ("rented", "returned")
OUTCOMES = ("returned", "late", "minutes")


def rentals(seed: int = 11) -> pd.DataFrame:
    """Return records, the first at `START` exactly: one in fifty bikes never comes back."""
    random = np.random.default_rng(seed)
    count = DAYS * PER_DAY
    rented = START + pd.to_timedelta(np.arange(count) * (1440 // PER_DAY), unit="min")
    rain = random.normal(0, 1, count).round(3)
    slope = np.where(np.arange(count) < CHANGE * PER_DAY, 2.0, -2.0)
    late = random.random(count) < 1 / (1 + np.exp(-(slope * rain - 0.5)))
    minutes = random.integers(10, 90, count) + 60 * late
    frame = pd.DataFrame(
        {
            "id": [f"r{number:05}" for number in range(count)],
            "station": random.choice(["north", "south", "west"], count),
            "rented": rented,
            "returned": rented + pd.to_timedelta(minutes, unit="min"),
            "rain": rain,
            "late": np.where(late, "true", "false").astype(object),
            "minutes": minutes.astype(float),
        }
    )
    frame.loc[random.random(count) < 0.02, list(OUTCOMES)] = None
    return frame


def write_rentals(folder: Path) -> None:
    """Write the workload and its records into a folder."""
    shutil.copytree(WORKLOAD, folder)
    (folder / "data").mkdir()
    write_records(folder, rentals())


def write_records(folder: Path, records: pd.DataFrame) -> None:
    """Write records to where the workload in a folder reads them."""
    times = {name: records[name].dt.strftime("%Y-%m-%dT%H:%M:%SZ") for name in TIMES}
    records.assign(**times).to_csv(folder / "data" / "rentals.csv", index=False)
