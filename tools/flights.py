"""Write New York's flights of 2013 as an airline's database would hold them: one moment, one clock.

The package has local clock times: a departure's by New York's clock, an arrival's by the clock of
where the flight lands. Here every moment is UTC. A flight is known to be late or not when it
arrives: scheduled departure + scheduled block time + delay of the arrival. The block time is the
scheduled arrival less the scheduled departure less the difference of the clocks.

    python tools/flights.py FOLDER_OF_CSV_FILES flights.db
"""

from __future__ import annotations

import csv
import io
import sqlite3
import sys
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

DAY = 24 * 60
LATE = 15
"""Minutes after which an arrival counts as late, as the US Department of Transportation counts."""
NEW_YORK = ZoneInfo("America/New_York")
ISLANDS = dict.fromkeys(["BQN", "PSE", "SJU", "STT"], "America/Puerto_Rico")
"""Airports that airports.csv does not have."""
MISSING = ("", "NA")

TABLES = {
    "flights": "id TEXT, scheduled TEXT, arrived TEXT, carrier TEXT, origin TEXT, dest TEXT, "
    "tailnum TEXT, departs INTEGER, weekday INTEGER, distance INTEGER, block INTEGER, hour TEXT, "
    "arr_delay INTEGER, late TEXT",
    "weather": "origin TEXT, hour TEXT, temp REAL, humid REAL, wind_speed REAL, wind_gust REAL, "
    "precip REAL, pressure REAL, visib REAL",
    "planes": "tailnum TEXT, built INTEGER, model TEXT, seats INTEGER",
}
INDEXES = (
    "CREATE INDEX flights_by_time ON flights (scheduled)",
    "CREATE INDEX weather_by_hour ON weather (origin, hour)",
    "CREATE INDEX planes_by_tailnum ON planes (tailnum)",
)
Row = dict[str, str]


def main(folder: Path, target: Path) -> None:
    """Write the database and say what is in it."""
    zones = {row["faa"]: row["tzone"] for row in rows_of(folder, "airports")} | ISLANDS
    target.unlink(missing_ok=True)
    connection = sqlite3.connect(target)
    contents = {
        "flights": (flight(row, zones[row["dest"]]) for row in rows_of(folder, "flights")),
        "weather": (weather(row) for row in rows_of(folder, "weather")),
        "planes": (plane(row) for row in rows_of(folder, "planes")),
    }
    counts = {}
    for table, columns in TABLES.items():
        connection.execute(f"CREATE TABLE {table} ({columns})")
        places = ", ".join("?" * (columns.count(",") + 1))
        statement = f"INSERT INTO {table} VALUES ({places})"  # noqa: S608 - names of this file
        counts[table] = connection.executemany(statement, contents[table]).rowcount
    for statement in INDEXES:
        connection.execute(statement)
    connection.commit()
    connection.close()
    told = f"{counts['flights']:,} flights, {counts['weather']:,} hours of weather"
    sys.stdout.write(f"{told}\n")


def rows_of(folder: Path, name: str) -> Iterator[Row]:
    """Yield the rows of a CSV file, zipped or not."""
    packed = folder / f"{name}.csv.zip"
    if packed.exists():
        with zipfile.ZipFile(packed) as archive, archive.open(f"{name}.csv") as file:
            yield from csv.DictReader(io.TextIOWrapper(file, encoding="utf-8"))
    else:
        with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file)


def flight(row: Row, zone: str) -> tuple[object, ...]:
    """Return a flight with its moments in UTC; one that never arrived has no outcome."""
    scheduled = moment(row["time_hour"]) + timedelta(minutes=int(float(row["minute"])))
    local = scheduled.astimezone(NEW_YORK)
    departs = local.hour * 60 + local.minute
    block = (clock(row["sched_arr_time"]) - departs - clocks_apart(scheduled, zone)) % DAY
    delay = number(row["arr_delay"])
    arrived = None if delay is None else scheduled + timedelta(minutes=block + delay)
    return (
        f"{row['carrier']}{row['flight']} {row['origin']}-{row['dest']} {local:%Y-%m-%d}",
        text(scheduled),
        None if arrived is None else text(arrived),
        row["carrier"],
        row["origin"],
        row["dest"],
        "none" if row["tailnum"] in MISSING else row["tailnum"],
        departs,
        local.isoweekday(),
        number(row["distance"]),
        block,
        text(scheduled.replace(minute=0)),
        delay,
        None if delay is None else str(delay > LATE).lower(),
    )


def weather(row: Row) -> tuple[object, ...]:
    """Return an hour of an airport's weather."""
    measured = ("temp", "humid", "wind_speed", "wind_gust", "precip", "pressure", "visib")
    return (
        row["origin"],
        text(moment(row["time_hour"])),
        *(None if row[name] in MISSING else float(row[name]) for name in measured),
    )


def plane(row: Row) -> tuple[object, ...]:
    """Return what is known of an aircraft."""
    return row["tailnum"], number(row["year"]), row["model"], number(row["seats"])


@cache
def moment(written: str) -> datetime:
    """Return a moment of the package, which writes UTC."""
    return datetime.fromisoformat(written.replace("Z", "+00:00"))


@cache
def text(time: datetime) -> str:
    """Return a moment as the database spells it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def clock(written: str) -> int:
    """Return minutes since midnight of a clock time such as 1435."""
    hours, minutes = divmod(int(float(written)), 100)
    return hours * 60 + minutes


@cache
def clocks_apart(at: datetime, zone: str) -> int:
    """Return by how many minutes a zone's clock is ahead of New York's."""
    here, there = (at.astimezone(clocks).utcoffset() for clocks in (NEW_YORK, ZoneInfo(zone)))
    assert here is not None and there is not None
    return int((there - here).total_seconds() // 60)


def number(written: str) -> int | None:
    """Return a whole number, or None where it is missing."""
    return None if written in MISSING else int(float(written))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
