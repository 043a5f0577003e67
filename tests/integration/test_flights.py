"""Flights: a model as of a day of 2013, asked by keys about the flights of that day."""

import http.client
import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.conftest import Laptop
from tests.integration.predictors import free_ports

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("flights")]

AS_OF, DAY_AFTER = "2013-09-01", "2013-09-02"
BATCH = 50
KEYS = ("carrier", "origin", "dest", "tailnum")
NUMBERS = ("departs", "weekday", "distance", "block")
HOST = "flights.millrace.localhost"


@pytest.fixture(scope="module")
def airline(tmp_path_factory: pytest.TempPathFactory) -> Laptop:
    """Return a laptop with the flights workload, which looks back for a month here."""
    made = Laptop(tmp_path_factory.mktemp("airline"))
    folder = made.workload("flights")
    shutil.copytree("workloads/flights", folder, ignore=shutil.ignore_patterns("data"))
    (folder / "data").symlink_to(Path("workloads/flights/data").resolve())
    document = yaml.safe_load((folder / "workload.yaml").read_text())
    document["spec"]["time"] |= {"window": "28d", "history": "7d"}
    document["spec"]["split"] |= {"test": "7d", "validation": "4d", "roll": "3d"}
    document["spec"]["training"]["epochs"] = 6
    (folder / "workload.yaml").write_text(yaml.safe_dump(document))
    return made


@pytest.fixture(scope="module")
def told(airline: Laptop) -> dict[str, Any]:
    return airline.run("flights", "--as-of", AS_OF)


@pytest.fixture(scope="module")
def port(
    airline: Laptop, told: dict[str, Any], monkeypatch_module: pytest.MonkeyPatch
) -> Iterator[int]:
    """Serve the model, and return the gateway's port."""
    assert told["outcome"] == "registered"
    number = free_ports(1)[0]
    monkeypatch_module.setenv("MILLRACE_GATEWAY_PORT", str(number))
    for command in (["pr", "merge", "1"], ["up", "--detach"]):
        done = airline.millrace(*command)
        assert done.returncode == 0, done.stdout + done.stderr
    yield number
    airline.millrace("down")


@pytest.fixture(scope="module")
def monkeypatch_module() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


def flights_of(day: str, until: str) -> list[dict[str, Any]]:
    with closing(sqlite3.connect("workloads/flights/data/flights.db")) as database:
        database.row_factory = sqlite3.Row
        query = "SELECT * FROM flights WHERE scheduled >= ? AND scheduled < ? ORDER BY scheduled"
        return [dict(row) for row in database.execute(query, (day, until))]


def asked(flights: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a request for flights: their keys, and what the booking knows."""
    shape = [len(flights)]
    texts = [
        {"name": key, "datatype": "BYTES", "shape": shape, "data": [f[key] for f in flights]}
        for key in KEYS
    ]
    numbers = [
        {"name": name, "datatype": "FP32", "shape": shape, "data": [f[name] for f in flights]}
        for name in NUMBERS
    ]
    return {"inputs": [*texts, *numbers]}


def answer(port: int, body: dict[str, Any]) -> list[float]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with closing(connection):
        headers = {"Host": HOST, "Content-Type": "application/json"}
        connection.request("POST", "/v2/models/flights/infer", json.dumps(body), headers)
        response = connection.getresponse()
        content = json.loads(response.read())
    assert response.status == 200, content
    data: list[float] = content["outputs"][0]["data"]
    return data


def test_the_report_shows_the_seasons_and_each_period_of_the_test_window(
    told: dict[str, Any],
) -> None:
    summary = json.loads(Path(told["places"]["summary"]).read_text())
    periods = summary["evaluation"]["periods"]
    assert [period["end"][:10] for period in periods] == ["2013-08-26", "2013-08-29", AS_OF]
    assert sum(period["rows"] for period in periods) == summary["evaluation"]["rows"]
    assert len(summary["dataset"]["seasons"]) == 9, "of 28 days, the periods of 3 that are whole"
    page = Path(told["places"]["report"]).read_text()
    assert "Over time" in page
    assert "ROC AUC as the model ages" in page


def test_nothing_of_after_the_as_of_time_was_used(told: dict[str, Any]) -> None:
    summary = json.loads(Path(told["places"]["summary"]).read_text())
    assert summary["snapshot"]["manifest"]["window"][1].startswith(AS_OF)
    assert summary["quality"]["quarantined"] == 0
    trained = sum(summary["dataset"]["rows"].values())
    flights = flights_of("2013-08-04", AS_OF)
    assert trained == sum(learnt_from(flight) for flight in flights)


def learnt_from(flight: dict[str, Any]) -> bool:
    """Return whether a flight had arrived by the end of its part: of training, validation, test."""
    ends = [f"{day}T00:00:00Z" for day in ("2013-08-21", "2013-08-25", AS_OF)]
    end = next(end for end in ends if flight["scheduled"] <= end)
    return flight["arrived"] is not None and flight["arrived"] <= end


def test_what_was_served_for_every_flight_of_a_day_is_what_the_offline_store_gives(
    airline: Laptop, port: int
) -> None:
    flights = flights_of(AS_OF, DAY_AFTER)
    assert len(flights) > 500
    scores: list[float] = []
    for start in range(0, len(flights), BATCH):
        scores += answer(port, asked(flights[start : start + BATCH]))
    assert len(scores) == len(flights)
    assert len(set(scores)) > len(scores) / 2
    done = airline.millrace("skew", "flights", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    skew = json.loads(done.stdout)
    assert (skew["rows"], skew["compared"], skew["differ"]) == (len(flights), len(flights), 0)


def test_a_flight_without_what_the_booking_knows_is_refused(port: int) -> None:
    [flight, *_] = flights_of(AS_OF, DAY_AFTER)
    body = asked([flight])
    body["inputs"] = [tensor for tensor in body["inputs"] if tensor["name"] != "departs"]
    with pytest.raises(AssertionError, match="departs"):
        answer(port, body)
