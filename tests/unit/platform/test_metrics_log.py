"""The log of counters: appended in one place, read in many, kept for a while."""

import sqlite3
import threading
from pathlib import Path

import pytest

from millrace.errors import MetricsError
from serving.metrics import MetricsSource, Sample
from serving.metrics.log import MetricsLog, Scrape


def scrape(time: float, arm: str = "a-v1", **counters: float) -> Scrape:
    return Scrape(time, arm, "envoy/1", counters or {"requests": time})


def test_samples_are_those_of_the_arms_and_the_time_in_order(tmp_path: Path) -> None:
    log: MetricsSource = MetricsLog(tmp_path / "m.db")
    assert isinstance(log, MetricsLog)
    for time in (3.0, 1.0, 2.0, 4.0):
        log.append([scrape(time), scrape(time, "a-v2"), scrape(time, "a-v3")], time)
    found = log.samples(["a-v1", "a-v2"], 2.0, 3.0)
    assert [(one.time, one.arm) for one in found] == [
        *((2.0, "a-v1"), (2.0, "a-v2"), (3.0, "a-v1"), (3.0, "a-v2"))
    ]
    assert found[0] == Sample(2.0, "a-v1", "envoy/1", "requests", 2.0)


def test_counters_for_people_are_no_samples(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path / "m.db")
    log.append([scrape(1.0, requests=2.0, **{"_below/5": 1.0})], 1.0)
    assert [one.counter for one in log.samples(["a-v1"], 0, 9)] == ["requests"]
    assert log.scrapes(["a-v1"], 0, 9)[0].counters == {"requests": 2.0, "_below/5": 1.0}


def test_what_is_too_old_goes(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path / "m.db", retention=10.0)
    log.append([scrape(1.0), scrape(1.0, "a-v2")], 1.0)
    log.append([scrape(20.0)], 20.0)
    assert [one.time for one in log.samples(["a-v1", "a-v2"], 0, 99)] == [20.0]


def test_before_the_first_scrape_there_is_nothing(tmp_path: Path) -> None:
    assert MetricsLog(tmp_path / "none" / "m.db").samples(["a-v1"], 0, 9) == []


def test_falls_of_counters_stay_for_the_reader(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path / "m.db")
    log.append([scrape(1.0, requests=9.0)], 1.0)
    log.append([scrape(2.0, requests=1.0)], 2.0)
    assert [one.value for one in log.samples(["a-v1"], 0, 9)] == [9.0, 1.0]


def test_readers_follow_while_it_is_written_and_see_whole_scrapes(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path / "m.db")
    log.append([scrape(0.0), scrape(0.0, "a-v2")], 0.0)
    over = threading.Event()
    faults: list[str] = []

    def read() -> None:
        seen = 0
        while not over.is_set():
            found = MetricsLog(tmp_path / "m.db").samples(["a-v1", "a-v2"], 0, 1e9)
            newest = [one.time for one in found if one.arm == "a-v1"][-1]
            if len(found) < seen:
                faults.append("a sample has gone")
            if newest > [one.time for one in found if one.arm == "a-v2"][-1]:
                faults.append("half a scrape")  # the arm that is read first is never ahead
            seen = len(found)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for time in range(1, 100):
        log.append([scrape(float(time)), scrape(float(time), "a-v2")], float(time))
    over.set()
    for reader in readers:
        reader.join()
    assert faults == []
    assert len(log.samples(["a-v1"], 0, 1e9)) == 100


def test_a_damaged_log_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "m.db").write_bytes(b"no database at all" * 1000)
    log = MetricsLog(tmp_path / "m.db")
    with pytest.raises(MetricsError, match="delete it"):
        log.samples(["a-v1"], 0, 9)
    with pytest.raises(MetricsError, match="delete it"):
        log.append([scrape(1.0)], 1.0)


def test_the_log_is_one_table_read_by_arm_and_time(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path / "m.db")
    log.append([scrape(1.0)], 1.0)
    with sqlite3.connect(tmp_path / "m.db") as db:
        [[mode]] = db.execute("PRAGMA journal_mode").fetchall()
        plan = db.execute(
            "EXPLAIN QUERY PLAN SELECT * FROM scrapes WHERE arm = 'a' AND time BETWEEN 1 AND 2"
        ).fetchall()
    assert mode == "wal"
    assert "PRIMARY KEY (arm=? AND time>? AND time<?)" in plan[0][3]
