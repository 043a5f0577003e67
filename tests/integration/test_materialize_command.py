"""`millrace materialize` brings newer features to what serves, and trains nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from millrace.features.connect import open_to_read
from millrace.settings import Settings
from millrace.storage import open_store
from millrace.workload import load_workload
from pipelines.local.lock import only_run
from tests.integration.conftest import Laptop
from tests.workloads.rentals_data import rentals, write_rentals

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("materialize")]

AS_OF, DAY_AFTER, LATER = "2024-03-22", "2024-03-23", "2024-03-24"
STATIONS = ["north", "south", "west"]
FEATURES = ["station_late_2d", "station_returns_2d"]
STEPS = ["ingest", "validate", "champion", "materialize", "summarize"]
Values = list[tuple[float, int]]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Laptop, Values]:
    """Return a laptop with a model as of one day, and what was online after its training."""
    laptop = Laptop(tmp_path_factory.mktemp("refreshed"))
    write_rentals(laptop.workload("rentals"))
    assert laptop.run("rentals", "--as-of", AS_OF)["outcome"] == "registered"
    return laptop, online(laptop)


@pytest.fixture(scope="module")
def refreshed(trained: tuple[Laptop, Values]) -> tuple[dict[str, Any], Values]:
    """Return what a materialization as of the day after says, and what is online then."""
    laptop, _ = trained
    done = laptop.millrace("materialize", "rentals", "--as-of", DAY_AFTER, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout), online(laptop)


def online(laptop: Laptop) -> Values:
    """Return the stations' features, as Feast reads them online."""
    settings = Settings(home=laptop.home)
    feast = open_to_read(load_workload(laptop.workload("rentals")), settings, open_store(settings))
    answer = feast.get_online_features(
        features=[f"station_delays:{name}" for name in FEATURES],
        entity_rows=[{"station": station} for station in STATIONS],
    ).to_dict()
    return list(zip(*(answer[name] for name in FEATURES), strict=True))


def held(as_of: str) -> Values:
    """Return the stations' features, counted by hand: of the two days before a time."""
    records, moment = rentals(), pd.Timestamp(as_of, tz="UTC")
    known = records[records["returned"] < moment]
    found = []
    for station in STATIONS:
        ours = known[known["station"] == station]
        lately = ours[ours["returned"] >= moment - pd.Timedelta("2d")]
        found.append(((lately["late"] == "true").mean(), len(lately)))
    return found


def candidates(laptop: Laptop) -> list[Any]:
    found: list[Any] = json.loads(laptop.millrace("candidates", "--json").stdout)
    return found


def test_what_is_online_is_newer_and_no_model_is(
    trained: tuple[Laptop, Values], refreshed: tuple[dict[str, Any], Values]
) -> None:
    laptop, before = trained
    told, now = refreshed
    assert np.allclose(before, held(AS_OF))
    assert np.allclose(now, held(DAY_AFTER))
    assert before != now
    assert [step["name"] for step in told["steps"]] == STEPS
    assert (told["outcome"], told["registration"], told["metrics"]) == ("materialized", None, {})
    assert len(candidates(laptop)) == 1


def test_it_leaves_a_report_of_its_own_and_the_run_is_still_the_newest_of_the_workload(
    trained: tuple[Laptop, Values], refreshed: tuple[dict[str, Any], Values]
) -> None:
    laptop, _ = trained
    told, _ = refreshed
    page = Path(told["places"]["report"]).read_text()
    assert "Materialized" in page
    assert "millrace materialize rentals --as-of 2024-03-23T00:00:00+00:00" in page
    assert told["headline"] in laptop.millrace("show", told["run"]).stdout.replace("\n", " ")
    assert "version 1 is registered" in laptop.millrace("show", "rentals").stdout


@pytest.mark.usefixtures("refreshed")
def test_a_rejected_batch_leaves_what_is_online_as_it_was(trained: tuple[Laptop, Values]) -> None:
    laptop, _ = trained
    before = online(laptop)
    file = laptop.workload("rentals") / "data" / "rentals.csv"
    kept = file.read_text()
    file.write_text(kept.replace(",rain,", ",Rain_,", 1))
    done = laptop.millrace("materialize", "rentals", "--as-of", LATER)
    file.write_text(kept)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("millrace: ")
    assert "rain" in line
    assert "The batch is rejected" in done.stdout
    assert online(laptop) == before


@pytest.mark.usefixtures("refreshed")
def test_a_view_that_the_champion_reads_is_not_changed_under_it(
    trained: tuple[Laptop, Values],
) -> None:
    laptop, _ = trained
    before = online(laptop)
    file = laptop.workload("rentals") / "definitions.py"
    kept = file.read_text()
    laptop.edit(file, lambda text: text.replace("dtype=Int64", "dtype=Float64"))
    done = laptop.millrace("materialize", "rentals", "--as-of", LATER, "--json")
    file.write_text(kept)
    told = json.loads(done.stdout)
    assert (done.returncode, told["outcome"]) == (1, "failed")
    assert told["headline"].startswith("The run stopped in materialize: ")
    assert "station_delays" in told["failure"]["message"]
    assert online(laptop) == before


def test_it_does_not_run_beside_a_run_of_the_workload(trained: tuple[Laptop, Values]) -> None:
    laptop, _ = trained
    with only_run(Settings(home=laptop.home), "rentals"):
        done = laptop.millrace("materialize", "rentals", "--as-of", LATER)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "another run of rentals is under way" in line


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("rental",), "rental"),
        (("rentals", "--as-of", "soon"), "--as-of: is no time; found 'soon'"),
    ],
)
def test_what_cannot_be_materialized_is_told_in_one_line(
    trained: tuple[Laptop, Values], arguments: tuple[str, ...], told: str
) -> None:
    laptop, _ = trained
    done = laptop.millrace("materialize", *arguments)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("millrace: ")
    assert told in line
