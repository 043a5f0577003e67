"""A workload of another shape, a number about two entities, goes the same way to the registry."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from millrace.dataset.split import place_of_entities
from tests.integration.conftest import Laptop
from tests.workloads.deliveries_data import TEST, UNSEEN, deliveries, write_deliveries

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("deliveries")]

METRICS = ["rmse", "mae", "pinball", "coverage_error"]
LEVELS = [0.1, 0.5, 0.9]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Laptop:
    """Return a laptop with the deliveries workload."""
    made = Laptop(tmp_path_factory.mktemp("town"))
    shutil.copytree("tests/workloads/deliveries", made.workload("deliveries"))
    write_deliveries(made.workload("deliveries"))
    return made


@pytest.fixture(scope="module")
def first(town: Laptop) -> dict[str, Any]:
    return town.run("deliveries")


@pytest.fixture(scope="module")
def second(town: Laptop, first: dict[str, Any]) -> dict[str, Any]:
    write_deliveries(town.workload("deliveries"), rows=1100)
    return town.run("deliveries")


def summary(told: dict[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(Path(told["places"]["summary"]).read_text())
    return document


def bundle(town: Laptop, told: dict[str, Any]) -> Path:
    return town.store / "bundles" / "sha256" / told["registration"]["digest"]


def test_the_data_have_gaps_everywhere_and_a_weather_that_training_never_sees() -> None:
    records = deliveries()
    assert records.isna().any().all()
    hail = records[records["weather"] == UNSEEN].dropna(subset=["courier_id", "shop_id"])
    assert len(hail) > 20
    assert (place_of_entities(hail[["courier_id", "shop_id"]]) < TEST).all()


def test_a_check_says_what_is_predicted(town: Laptop) -> None:
    told = town.millrace("check", "deliveries")
    assert told.returncode == 0, told.stderr
    assert "predicts the number minutes and its quantiles 0.1, 0.5, 0.9" in told.stdout


def test_a_first_run_registers_a_model_measured_by_its_errors(first: dict[str, Any]) -> None:
    assert first["outcome"] == "registered"
    assert first["registration"]["version"] == 1
    assert set(first["metrics"]) == set(METRICS)
    assert first["metrics"]["rmse"] < 8
    assert "RMSE" in first["headline"]
    evaluation = summary(first)["evaluation"]
    assert [model["name"] for model in evaluation["models"]] == [
        *("candidate", "ridge_regression", "gradient_boosting")
    ]
    assert evaluation["positives"] is None
    assert evaluation["models"][0]["roc"] is None


def test_keys_that_are_missing_are_set_aside_and_labels_that_are_missing_left_out(
    first: dict[str, Any],
) -> None:
    records, told = deliveries(), summary(first)
    keyless = records[["courier_id", "shop_id"]].isna().any(axis=1)
    labelless = records["minutes"].isna() & ~keyless
    assert told["quality"]["quarantined"] == keyless.sum() > 0
    used = sum(told["dataset"]["rows"].values())
    assert used == told["quality"]["accepted"] - labelless.sum()
    assert labelless.sum() > 0
    assert told["dataset"]["kind"] == "regression"
    assert told["dataset"]["join_keys"] == ["courier_id", "shop_id"]


def test_the_card_says_what_the_graph_answers(first: dict[str, Any], town: Laptop) -> None:
    card = json.loads((bundle(town, first) / "card.json").read_text())
    assert (card["kind"], card["positive"], card["quantiles"]) == ("regression", None, LEVELS)
    assert card["outputs"] == [
        {"name": "prediction", "width": 1},
        {"name": "quantiles", "width": 3},
    ]
    assert list(card["metrics"]) == METRICS


def test_the_bundle_answers_whatever_is_missing_or_was_never_seen(
    first: dict[str, Any], town: Laptop
) -> None:
    session = onnxruntime.InferenceSession(bundle(town, first) / "model.onnx")

    def answer(**values: object) -> tuple[np.ndarray, np.ndarray]:
        feed = {
            node.name: np.array([[values.get(node.name, "")]], object)
            if "string" in node.type
            else np.array([[values.get(node.name, np.nan)]], np.float32)
            for node in session.get_inputs()
        }
        prediction, quantiles = session.run(["prediction", "quantiles"], feed)
        return prediction, quantiles

    prediction, quantiles = answer()
    assert (prediction.shape, quantiles.shape) == ((1, 1), (1, 3))
    assert (np.diff(quantiles) >= 0).all()
    near, far = answer(distance=1.0)[0], answer(distance=9.0)[0]
    assert far > near + 10
    assert answer(weather=UNSEEN)[0] == prediction
    assert answer(weather="snow")[0] != prediction


def test_the_report_shows_coverage_and_no_word_of_classes(first: dict[str, Any]) -> None:
    page = Path(first["places"]["report"]).read_text()
    assert "Predicted against observed" in page
    assert "Coverage of the quantiles" in page
    assert "positive" not in page.lower()


def test_a_second_run_is_compared_with_the_champion_by_its_error(second: dict[str, Any]) -> None:
    assert second["outcome"] == "registered"
    assert second["registration"]["version"] == 2
    told = summary(second)
    against = [c["metric"] for c in told["evaluation"]["comparisons"] if c["other"] == "champion"]
    assert against == METRICS
    gates = {gate["gate"]: gate for gate in told["verdict"]["results"]}
    gate = gates["rmse not worse than champion by 15 %"]
    assert gate["outcome"] == "pass"
    assert ", of which 15 % is " in gate["evidence"]
    assert told["evaluation"]["champion_bins"] is not None


@pytest.mark.usefixtures("second")
def test_people_see_the_error_of_each_candidate(town: Laptop) -> None:
    told = town.millrace("candidates", "deliveries").stdout
    assert told.count("RMSE") == 2
