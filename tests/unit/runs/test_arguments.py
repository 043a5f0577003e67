"""A run's arguments are read, or told of in one line."""

import re
from datetime import UTC, datetime

import pytest

from millrace.errors import PipelineError
from millrace.runs.arguments import point_in_time, time_window

SAME = ("2026-01-02", "2026-01-02")


def test_no_text_is_no_time() -> None:
    assert point_in_time("", "as_of") is None
    assert time_window("", "") is None


def test_a_time_without_zone_is_utc() -> None:
    assert point_in_time("2026-03-01", "as_of") == datetime(2026, 3, 1, tzinfo=UTC)
    assert point_in_time("2026-03-01T01:00:00+01:00", "as_of") == datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["yesterday", "2026-13-01", "01.03.2026", "0001-01-01T00:00:00+02:00"]
)
def test_what_is_no_time_is_named(text: str) -> None:
    with pytest.raises(PipelineError, match=re.escape(f"as_of: is no time; found '{text}'")):
        point_in_time(text, "as_of")


@pytest.mark.parametrize(("start", "end"), [("2026-01-01", ""), ("", "2026-01-01"), SAME])
def test_half_or_empty_windows_are_told(start: str, end: str) -> None:
    with pytest.raises(PipelineError, match="START before END"):
        time_window(start, end)
