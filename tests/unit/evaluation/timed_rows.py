"""Held-out rows with event times."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from millrace.dataset.manifest import EVENT_TIME, DatasetManifest, SplitRule
from millrace.evaluation.held_out import Rows

AS_OF = datetime.fromisoformat("2024-06-01T00:00:00+00:00")
DAY = timedelta(days=1)


def rule(test: float, validation: float = 7, roll: float | None = 7) -> SplitRule:
    """Return a split by time as of AS_OF; lengths in days."""
    return SplitRule(
        by="time",
        test=test * 86400,
        validation=validation * 86400,
        train_until=(AS_OF - (test + validation) * DAY).isoformat(),
        roll=roll and roll * 86400,
    )


def rows_at(
    times: list[datetime] | pd.Series,
    labels: np.ndarray | None = None,
    split: SplitRule | None = None,
) -> Rows:
    """Return rows at some times; by default every other one is positive."""
    labels = np.arange(len(times)) % 2.0 if labels is None else labels
    manifest = DatasetManifest(
        digest="d" * 64,
        join_keys=["customer"],
        features=[],
        positive="yes",
        slices=[],
        split=split or rule(21),
        rows={"train": 0, "validation": 0, "test": len(labels)},
    )
    moments = pd.Series(times, dtype="datetime64[us, UTC]")
    return Rows(manifest, pd.DataFrame({EVENT_TIME: moments}), labels, "test.parquet")
