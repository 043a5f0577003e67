"""The loop is replayed as it would have gone: gates decide, and models answer what is new."""

from __future__ import annotations

import json

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from backtest_worlds import World
from sklearn.metrics import roc_auc_score

from millrace.backtest import Period, Turn
from tests.workloads.rentals_data import rentals

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("replay")]


def measured(turns: list[Turn]) -> list[Period]:
    return [turn.period for turn in turns if turn.period is not None and turn.period.showings]


def test_a_candidate_is_released_if_its_gates_pass_and_only_then(turns: list[Turn]) -> None:
    assert [turn.outcome for turn in turns[:3]] == ["failed", "failed", "released"]
    assert {turn.outcome for turn in turns[3:]} == {"gate failed", "released"}
    for turn in turns[2:]:
        failed = [result.gate for result in turn.gates if result.outcome == "fail"]
        assert (turn.outcome == "released") == (not failed)
        assert all(gate in turn.reason for gate in failed)


def test_the_champion_of_a_turn_is_the_last_that_was_released(turns: list[Turn]) -> None:
    champion = ""
    for turn in turns:
        assert turn.champion == champion
        if turn.outcome == "released":
            champion = turn.bundle


def test_each_policy_answers_with_the_model_that_it_names(turns: list[Turn]) -> None:
    first = champion = newest = None
    for turn in turns:
        if turn.period and turn.period.showings:
            shown = {showing.policy: showing.trained for showing in turn.period.showings}
            assert shown == {
                "never retrained": first,
                "retrained": champion,
                "newest": newest,
            }
        newest = turn.as_of if turn.bundle else newest
        champion = turn.as_of if turn.outcome == "released" else champion
        first = first or champion
    assert first == turns[2].as_of


def test_periods_follow_each_other_without_a_gap(turns: list[Turn]) -> None:
    assert [turn.period for turn in turns[:3]] == [None] * 3
    periods = [turn.period for turn in turns[3:] if turn.period]
    assert [period.end for period in periods] == [turn.as_of for turn in turns[3:]]
    assert [period.start for period in periods] == [turn.as_of for turn in turns[2:-1]]


def test_turns_before_there_is_enough_to_learn_from_say_why(turns: list[Turn]) -> None:
    assert turns[0].reason == "no record has a known 'late'"
    assert turns[1].reason == "the train part is empty; found train 0, validation 0, test 96"


@pytest.mark.parametrize("number", [3, -1])
def test_a_score_is_of_the_model_on_exactly_the_events_of_the_period(
    world: World, turns: list[Turn], number: int
) -> None:
    period = turns[number].period
    assert period is not None
    rows = events_of(period)
    assert period.rows == len(rows)
    assert rows["rented"].min() == pd.Timestamp(period.start)
    assert period.mean_label == pytest.approx((rows["late"] == "true").mean())
    for showing in period.showings:
        trained = next(turn for turn in turns if turn.as_of == showing.trained)
        model = world.turn_folder(trained) / "bundle" / "model.onnx"
        assert showing.score.value == pytest.approx(score_by_hand(str(model), rows))
        assert showing.score.low < showing.score.value < showing.score.high


def events_of(period: Period) -> pd.DataFrame:
    """Return the rentals of a period that had come back by its end, with features by hand."""
    records = rentals()
    start, end = pd.Timestamp(period.start), pd.Timestamp(period.end)
    inside = (records["rented"] >= start) & (records["rented"] < end)
    rows = records[inside & (records["returned"] <= end)].copy()
    told = [features_of(records, row) for row in rows.itertuples()]
    rows[["station_late_2d", "station_returns_2d"]] = told
    return rows


def features_of(records: pd.DataFrame, row) -> tuple[float, float]:
    """Return what was known at the station when a bike was rented."""
    known = records[(records["station"] == row.station) & (records["returned"] < row.rented)]
    lately = known[known["returned"] >= row.rented - pd.Timedelta(days=2)]
    return (lately["late"] == "true").mean(), len(lately) if len(known) else np.nan


def score_by_hand(model: str, rows: pd.DataFrame) -> float:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    feed = {}
    for node in session.get_inputs():
        kind = object if node.type == "tensor(string)" else np.float32
        feed[node.name] = rows[node.name].to_numpy(dtype=kind)[:, np.newaxis]
    [answers] = session.run(["prediction"], feed)
    return float(roc_auc_score(rows["late"] == "true", answers[:, 0]))


def test_the_gain_is_the_champions_against_the_first_models(turns: list[Turn]) -> None:
    for period in measured(turns):
        scores = {showing.policy: showing.score.value for showing in period.showings}
        assert period.gain is not None
        gain = scores["retrained"] - scores["never retrained"]
        assert period.gain.value == pytest.approx(gain)
        assert period.gain.low <= period.gain.value <= period.gain.high


def test_nothing_but_turns_is_left_and_nothing_that_serves_was_touched(
    world: World, turns: list[Turn]
) -> None:
    assert [path.name for path in world.home.iterdir()] == ["turns"]
    assert len(list((world.home / "turns").iterdir())) == len(turns)
    assert sorted(path.name for path in world.root.iterdir()) == ["home", "workload"]


def test_a_turn_that_is_kept_reads_back_as_it_was(world: World, turns: list[Turn]) -> None:
    for turn in turns:
        file = world.turn_folder(turn) / "turn.json"
        assert Turn.read(file) == turn
        assert json.loads(file.read_text())["as_of"] == turn.as_of
