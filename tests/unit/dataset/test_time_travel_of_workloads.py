"""Time travel on the workloads themselves: flights, which live in time, and churn, which does not.

Their data lies beside them; flights' windows are shortened, so that a run takes seconds.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from millrace.dataset import assemble
from millrace.dataset.manifest import EVENT_TIME, LABEL
from millrace.features import materialize
from millrace.ingest import ingest
from millrace.settings import Settings
from millrace.storage import open_store
from millrace.validation import validate
from millrace.workload import load_workload

pytestmark = pytest.mark.slow
FLIGHTS, CHURN = Path("workloads/flights").absolute(), Path("workloads/churn").absolute()
DAY = timedelta(days=1)
PARTS = ("train", "validation", "test")


def dataset(folder: Path, home: Path, as_of: datetime) -> tuple[str, pd.DataFrame]:
    """Return digest and rows of the training set that a run as of a time makes of a workload."""
    workload, settings = load_workload(folder), Settings(home=home)
    store, accepted = open_store(settings), home / "accepted"
    snapshot = ingest(workload, store, as_of=as_of)
    report = validate(
        workload,
        store.fetch(snapshot.key, home / "fetched"),
        as_of=as_of,
        usual_rows=None,
        previous=None,
        accepted=accepted,
        quarantine=home / "quarantine",
    )
    assert report.accepted > 0.98 * report.parsed > 1000
    materialize(workload, accepted, store, settings, as_of=as_of)
    made = assemble(workload, accepted, home / "dataset", settings, store, as_of=as_of)
    parts = [pd.read_parquet(home / f"dataset/{part}.parquet").assign(part=part) for part in PARTS]
    return made.digest, pd.concat(parts, ignore_index=True)


def flights(folder: Path) -> Path:
    """Return a copy of the workload with short windows, and with no data yet."""
    shutil.copytree(FLIGHTS, folder, ignore=shutil.ignore_patterns("data", "__pycache__"))
    (folder / "data").mkdir()
    spec = (folder / "workload.yaml").read_text()
    for old, new in [
        ("window: 90d", "window: 8d"),
        ("test: 21d", "test: 3d"),
        ("validation: 7d", "validation: 2d"),
        ("roll: 7d", "roll: 1d"),
    ]:
        assert old in spec
        spec = spec.replace(old, new)
    (folder / "workload.yaml").write_text(spec)
    return folder


def whole_flights(folder: Path) -> Path:
    """Return the workload on all flights there are."""
    (flights(folder) / "data/flights.db").symlink_to(FLIGHTS / "data/flights.db")
    return folder


def cut_flights(folder: Path, at: datetime) -> Path:
    """Return the workload on a database as it stood at a time, with what a run may need of it."""
    moment, start = (f"{time:%Y-%m-%dT%H:%M:%SZ}" for time in (at, at - 40 * DAY))
    with closing(sqlite3.connect(flights(folder) / "data/flights.db")) as database:
        database.execute("ATTACH ? AS whole", (str(FLIGHTS / "data/flights.db"),))
        database.executescript(
            f"""
            CREATE TABLE flights AS SELECT * FROM whole.flights
              WHERE scheduled BETWEEN '{start}' AND '{moment}';
            UPDATE flights SET arrived = NULL, arr_delay = NULL, late = NULL
              WHERE arrived > '{moment}';
            CREATE TABLE weather AS SELECT * FROM whole.weather
              WHERE hour BETWEEN '{start}' AND '{moment}';
            CREATE TABLE planes AS SELECT * FROM whole.planes;
            CREATE INDEX weather_by_hour ON weather (origin, hour);
            CREATE INDEX planes_by_tailnum ON planes (tailnum);
            """
        )
    return folder


@pytest.mark.parametrize("moment", ["2013-02-09T17:43:00", "2013-03-11T02:00:00"])
def test_flights_of_a_time_are_learnt_from_as_if_nothing_came_after(
    tmp_path: Path, moment: str
) -> None:
    as_of = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    digest, rows = dataset(whole_flights(tmp_path / "whole"), tmp_path / "a", as_of)
    assert dataset(cut_flights(tmp_path / "cut", as_of), tmp_path / "b", as_of)[0] == digest
    assert rows[EVENT_TIME].between(as_of - 8 * DAY, as_of).all()
    assert len(rows) > 5000


def test_a_later_run_sees_the_same_of_each_flight_in_one_store(tmp_path: Path) -> None:
    """It may see less only where nothing has been heard of a key for longer than it reads."""
    first = datetime(2013, 2, 20, 13, 30, tzinfo=UTC)
    folder, keys = whole_flights(tmp_path / "whole"), ["carrier", "origin", "dest", "tailnum"]
    _, then = dataset(folder, tmp_path / "home", first)
    digest, now = dataset(folder, tmp_path / "home", first + 2.25 * DAY)
    both = then.merge(now, on=[*keys, EVENT_TIME], suffixes=("", "_now"), validate="1:1")
    assert len(both) > 0.6 * len(then)
    for name in then.columns.difference([*keys, EVENT_TIME, "part"]):
        old, new = both[name], both[f"{name}_now"]
        same = (old == new) | (old.isna() & new.isna())
        assert (same | new.isna() | (new == "")).all(), name
        assert same.mean() > 0.95, name
    assert dataset(folder, tmp_path / "fresh", first + 2.25 * DAY)[0] == digest
    assert dataset(folder, tmp_path / "home", first)[1].equals(then), "the past has not changed"


@pytest.mark.parametrize("customers", [2000, 5000])
def test_customers_who_join_later_change_nothing_of_those_who_were_there(
    tmp_path: Path, customers: int
) -> None:
    folder, home = tmp_path / "churn", tmp_path / "home"
    shutil.copytree(CHURN, folder, ignore=shutil.ignore_patterns("__pycache__"))
    file = folder / "data/telco.csv"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[: customers + 1]))
    day = datetime(2024, 1, 1, tzinfo=UTC)
    _, then = dataset(folder, home, day)
    file.write_text("".join([lines[0], *lines[:0:-1]]))
    _, now = dataset(folder, home, day + DAY)
    assert len(then) == customers < len(now)
    there = now[now["customerID"].isin(then["customerID"])]
    order = ["customerID"]
    pd.testing.assert_frame_equal(
        there.sort_values(order, ignore_index=True), then.sort_values(order, ignore_index=True)
    )
    assert then[LABEL].nunique() == 2
