"""Whatever times a source has: local ones are what zoneinfo says, and no record is lost."""

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from millrace.validation.columns import parse_column
from millrace.workload.contract import Column

ZONES = [
    "UTC",
    "America/New_York",
    "America/Sao_Paulo",  # midnights are skipped
    "Africa/Casablanca",
    "Asia/Kathmandu",  # put forward by a quarter of an hour
    "Australia/Lord_Howe",  # by half an hour
    "Europe/Dublin",  # winter is what is put forward
    "Pacific/Apia",  # a whole day is skipped
]
YEARS = range(1985, 2024)


@cache
def changes(zone: str) -> list[datetime]:
    """Return moments in UTC up to a day before clocks change."""
    days = [datetime(YEARS[0], 1, 1, tzinfo=UTC) + timedelta(days=n) for n in range(366 * 38)]
    shown = [day.astimezone(ZoneInfo(zone)).utcoffset() for day in days]
    return [day for n, day in enumerate(days[:-1]) if shown[n] != shown[n + 1]] or days[:1]


def moments_of(local: datetime, zone: str) -> list[datetime]:
    """Return the moments at which clocks of a zone show a local time."""
    offsets = {local.replace(tzinfo=ZoneInfo(zone), fold=fold).utcoffset() for fold in (0, 1)}
    moments = sorted(
        (local - offset).replace(tzinfo=UTC) for offset in offsets if offset is not None
    )
    back = [moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0) for moment in moments]
    return [moment for moment, seen in zip(moments, back, strict=True) if seen == local]


@st.composite
def zones_and_times(draw: st.DrawFn) -> tuple[str, list[datetime]]:
    """Return a zone and local times, most of them close to a change of its clocks."""
    zone = draw(st.sampled_from(ZONES))
    near = st.builds(
        lambda day, minutes: (
            (day + timedelta(minutes=minutes)).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        ),
        st.sampled_from(changes(zone)),
        st.integers(0, 30 * 60),
    )
    shifted = st.builds(lambda time, minutes: time + timedelta(minutes=minutes), near, SHIFTS)
    anywhere = st.datetimes(datetime(1850, 1, 1), datetime(2100, 1, 1))
    times = draw(st.lists(shifted | anywhere, min_size=1, max_size=12))
    return zone, [time.replace(fold=0) for time in times]


SHIFTS = st.sampled_from([0, -30, 30, -60, 60])


@settings(max_examples=300, deadline=None)
@given(drawn=zones_and_times(), native=st.booleans())
def test_a_local_time_is_read_as_zoneinfo_has_it(
    drawn: tuple[str, list[datetime]], native: bool
) -> None:
    zone, times = drawn
    column = Column.model_validate({"type": "timestamp", "timezone": zone})
    array = (
        pa.array(times, pa.timestamp("us"))
        if native
        else pa.array([time.isoformat() for time in times])
    )
    parsed = parse_column(array, column)
    expected = [moments_of(time, zone) for time in times]
    assert parsed.never.tolist() == [len(moments) == 0 for moments in expected]
    assert parsed.failed.tolist() == parsed.never.tolist()
    assert parsed.twice.tolist() == [len(moments) == 2 for moments in expected]
    assert parsed.values.to_pylist() == [moments[0] if moments else None for moments in expected]


@settings(max_examples=100, deadline=None)
@given(drawn=zones_and_times())
def test_a_time_with_an_offset_is_that_moment_in_any_zone(
    drawn: tuple[str, list[datetime]],
) -> None:
    zone, times = drawn
    column = Column.model_validate({"type": "timestamp", "timezone": zone})
    parsed = parse_column(pa.array([f"{time.isoformat()}-04:00" for time in times]), column)
    assert not (parsed.failed | parsed.twice).any()
    moments = [time.replace(tzinfo=UTC) + timedelta(hours=4) for time in times]
    assert parsed.values.to_pylist() == moments


TIMES = st.sampled_from(
    ["", "soon", "2031-01-01", "2024-03-10 02:30", "2023-11-05 01:30", "2024-05-01T00:00Z"]
) | st.datetimes(datetime(2024, 1, 1), datetime(2024, 6, 9)).map(datetime.isoformat)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.tuples(TIMES, TIMES), min_size=1, max_size=12), windowed=st.booleans())
def test_every_record_is_accepted_or_in_quarantine_whatever_its_times(
    make_workload: Callable[..., Any],
    hold_workload: Callable[..., Any],
    rows: list[tuple[str, str]],
    windowed: bool,
) -> None:
    column = {"type": "timestamp", "timezone": "America/New_York"}
    columns = {"n": {"type": "integer"}, "at": column, "known": {**column, "nullable": True}}
    limits = {"completeness": {"gap": "1d"}, "freshness": "2d"}
    window = (datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 6, 1, tzinfo=UTC))
    with tempfile.TemporaryDirectory() as folder:
        workload = make_workload(Path(folder) / "workload", columns, **limits)
        lines = [f"{n},{at},{known}" for n, (at, known) in enumerate(rows)]
        (workload.folder / "data.csv").write_text("\n".join(["n,at,known", *lines]) + "\n")
        batch = hold_workload(workload, Path(folder), window=window if windowed else None)
    report = batch.report
    assert report.accepted + report.quarantined == report.parsed
    assert windowed or report.parsed == len(rows)
    for row in batch.accepted.to_pylist():
        assert row["at"] <= datetime(2024, 6, 1, tzinfo=UTC)
        assert row["known"] is None or row["known"] >= row["at"]
