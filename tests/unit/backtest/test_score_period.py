"""A period is measured wherever it can be, and where it cannot the reason is told."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from backtest_worlds import CODE, World

from millrace.backtest import Period, Turn
from millrace.backtest.ageing import Trained, score_period
from millrace.backtest.result import Policy
from millrace.backtest.turn import Workshop

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("replay")]

NONE: dict[Policy, Trained] = {}


class Scene:
    """A training set as of the last turn, and the first model that was released."""

    def __init__(self, world: World, turns: list[Turn], folder: Path) -> None:
        self.workload = world.workload
        self.end = datetime.fromisoformat(turns[-1].as_of)
        shop = Workshop(self.workload, CODE, self.end, folder, lambda _: None)
        shop.dataset(shop.ingest(), None, None)
        self.dataset = folder / "dataset"
        first = turns[2]
        trained = Trained(first.as_of, world.turn_folder(first) / "bundle", first.model)
        self.policies: dict[Policy, Trained] = {
            "never retrained": trained,
            "retrained": trained,
            "newest": trained,
        }

    def period(
        self, length: timedelta, policies: dict[Policy, Trained], metric: str = "roc_auc"
    ) -> Period:
        return score_period(
            self.workload, self.dataset, policies, metric, self.end - length, self.end
        )


@pytest.fixture(scope="module")
def scene(world: World, turns: list[Turn], tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return Scene(world, turns, tmp_path_factory.mktemp("scene"))


def test_a_period_may_be_longer_than_the_test_window(scene: Scene) -> None:
    period = scene.period(timedelta(days=11), scene.policies)
    assert period.problem == ""
    assert period.rows > 200
    assert [showing.policy for showing in period.showings] == list(scene.policies)


def test_the_same_model_gains_nothing_over_itself(scene: Scene) -> None:
    gain = scene.period(timedelta(days=5), scene.policies).gain
    assert gain is not None
    assert (gain.low, gain.value, gain.high) == (0, 0, 0)


def test_before_anything_was_released_labels_are_told_all_the_same(scene: Scene) -> None:
    period = scene.period(timedelta(days=5), NONE)
    assert period.problem == "nothing had been released"
    assert (period.showings, period.gain) == ([], None)
    assert period.rows > 80
    assert period.mean_label is not None


def test_a_period_without_known_labels_has_no_mean(scene: Scene) -> None:
    period = scene.period(timedelta(minutes=5), scene.policies)
    assert period.problem == "no event has a label that was known by then"
    assert (period.rows, period.mean_label) == (0, None)


def test_a_period_of_one_class_says_so(scene: Scene) -> None:
    lengths = (timedelta(hours=hours) for hours in range(2, 48))
    periods = (scene.period(length, scene.policies) for length in lengths)
    period = next(period for period in periods if period.mean_label in (0, 1))
    kind = "positive" if period.mean_label else "negative"
    assert period.problem == f"all of its {period.rows} events are {kind}"
    assert period.showings == []


def test_errors_are_smaller_where_models_are_better(scene: Scene) -> None:
    period = scene.period(timedelta(days=5), scene.policies, "log_loss")
    assert period.problem == ""
    assert period.showings[0].score.value > 1  # it learnt the contrary of what holds now
