"""A time without a zone is of UTC, wherever it comes from."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from millrace.utc import in_utc


@pytest.mark.parametrize("text", ["2024-03-01T06", "2024-03-01T06Z", "2024-03-01T08+02:00"])
def test_a_time_without_a_zone_is_of_utc(text: str) -> None:
    time = in_utc(datetime.fromisoformat(text))
    assert (time, time.tzinfo) == (datetime(2024, 3, 1, 6, tzinfo=UTC), UTC)
