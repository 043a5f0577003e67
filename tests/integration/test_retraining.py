"""A model of real customers is retrained, judged and registered, twice."""

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import onnxruntime
import pytest

from tests.integration.conftest import Laptop

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("churn")]

STEPS = [
    *("ingest", "validate", "champion", "materialize", "assemble", "train", "export"),
    *("evaluate", "gate", "register", "summarize"),
]


@pytest.fixture(scope="session")
def first(churn_laptop: Laptop) -> dict[str, Any]:
    return churn_laptop.run("churn")


@pytest.fixture(scope="session")
def again(churn_laptop: Laptop, first: dict[str, Any]) -> dict[str, Any]:
    return churn_laptop.run("churn")


def summary(told: dict[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(Path(told["places"]["summary"]).read_text())
    return document


def test_a_first_run_registers_the_champion(first: dict[str, Any]) -> None:
    assert first["outcome"] == "registered"
    assert first["registration"]["version"] == 1
    assert first["registration"]["champion"]
    assert [step["name"] for step in first["steps"]] == STEPS
    assert {step["outcome"] for step in first["steps"]} == {"done"}


def test_the_model_is_as_good_as_is_known_of_these_customers(first: dict[str, Any]) -> None:
    assert first["metrics"]["roc_auc"] > 0.82
    assert first["metrics"]["calibration_error"] < 0.06


def test_every_customer_is_accounted_for(first: dict[str, Any]) -> None:
    told = summary(first)
    assert told["quality"]["parsed"] == 7043
    assert told["quality"]["accepted"] + told["quality"]["quarantined"] == 7043
    assert sum(told["dataset"]["rows"].values()) == told["quality"]["accepted"]


def test_the_bundle_answers_from_named_raw_values(
    first: dict[str, Any], churn_laptop: Laptop
) -> None:
    digest = first["registration"]["digest"]
    assert first["registration"]["uri"] == f"s3://millrace/bundles/sha256/{digest}"
    folder = churn_laptop.store / "bundles" / "sha256" / digest
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    inputs = {i.name: ([[""]] if "string" in i.type else [[30.0]]) for i in session.get_inputs()}
    assert "tenure" in inputs
    (answer,) = session.run(["prediction"], inputs)
    assert answer.shape == (1, 1)
    assert 0 < answer[0, 0] < 1
    card = json.loads((folder / "card.json").read_text())
    assert card["lineage"]["snapshot"] == summary(first)["snapshot"]["manifest"]["digest"]
    assert set(card["metrics"]) >= {"roc_auc", "pr_auc", "log_loss", "brier", "lift_at_10"}
    lookup = json.loads((folder / "lookup.json").read_text())
    fields = [field["name"] for view in lookup["views"] for field in view["fields"]]
    assert fields == [feature["name"] for feature in card["inputs"]]


def test_the_report_needs_nothing_else(first: dict[str, Any]) -> None:
    page = Path(first["places"]["report"]).read_text()
    links: list[str] = []

    class Links(HTMLParser):
        def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
            links.extend(v or "" for k, v in attributes if k in ("src", "href"))

    Links().feed(page)
    assert [link for link in links if not link.startswith(("#", "data:"))] == []
    assert "SeniorCitizen" in page


def test_a_second_run_says_what_it_reused_and_that_nothing_is_new(again: dict[str, Any]) -> None:
    outcomes = {step["name"]: step["outcome"] for step in again["steps"]}
    reused = {name for name, outcome in outcomes.items() if outcome == "reused"}
    assert reused == {"validate", "assemble", "train", "export"}
    assert again["outcome"] == "unchanged"
    assert again["registration"]["version"] == 1


def test_a_second_run_compares_with_the_champion(again: dict[str, Any]) -> None:
    comparisons = summary(again)["evaluation"]["comparisons"]
    against = [c for c in comparisons if c["other"] == "champion" and c["metric"] == "roc_auc"]
    assert against[0]["difference"] == {"value": 0.0, "low": 0.0, "high": 0.0}


@pytest.mark.usefixtures("again")
def test_people_and_scripts_see_the_candidate(churn_laptop: Laptop) -> None:
    (candidate,) = json.loads(churn_laptop.millrace("candidates", "--json").stdout)
    assert (candidate["name"], candidate["version"], candidate["champion"]) == ("churn", 1, True)
    assert "yes" in churn_laptop.millrace("candidates", "churn").stdout
    shown = churn_laptop.millrace("show", candidate["digest"][:12], "--json")
    assert json.loads(shown.stdout)["card"]["model"] == candidate["model"]
    assert "No new data" in churn_laptop.millrace("show", "churn").stdout
    copied = churn_laptop.millrace("report", "churn", "--output", "copy.html")
    assert copied.returncode == 0
    assert "<html" in (churn_laptop.folder / "copy.html").read_text()


@pytest.mark.usefixtures("again")
def test_a_failing_gate_stops_the_run_and_registers_nothing(churn_laptop: Laptop) -> None:
    file = churn_laptop.workload("churn") / "workload.yaml"
    declared = file.read_text()
    churn_laptop.edit(file, lambda text: text.replace("min: 0.82", "min: 0.99"))
    red = churn_laptop.run("churn", green=False)
    file.write_text(declared)
    assert red["outcome"] == "gate failed"
    assert "roc_auc >= 0.99" in red["failure"]["message"]
    assert red["steps"][-1]["name"] == "summarize"
    assert red["registration"] is None
    assert len(json.loads(churn_laptop.millrace("candidates", "--json").stdout)) == 1
    page = Path(red["places"]["report"]).read_text()
    assert "1 of 9 gates failed: nothing is registered." in page
    assert "0.99" in page


@pytest.mark.usefixtures("again")
def test_more_customers_make_a_second_version_that_met_the_champion(churn_laptop: Laptop) -> None:
    file = churn_laptop.workload("churn") / "data" / "telco.csv"
    rows = file.read_text()
    header, *records = rows.splitlines(keepends=True)
    file.write_text(header + "".join(records[:6500]))
    fewer = churn_laptop.run("churn")
    file.write_text(rows)
    assert fewer["outcome"] == "registered"
    assert fewer["registration"]["version"] == 2
    assert not fewer["registration"]["champion"]
    told = summary(fewer)
    assert told["quality"]["drift"] is not None
    assert told["evaluation"]["excluded"] == 0
    gates = {g["gate"]: g["outcome"] for g in told["verdict"]["results"]}
    assert all(outcome == "pass" for name, outcome in gates.items() if "champion" in name)
