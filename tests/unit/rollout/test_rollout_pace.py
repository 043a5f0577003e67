"""How often the controller looks: at a laptop's folder each second, at a slow server less often."""

from types import SimpleNamespace
from typing import Any

import pytest

from serving.rollout.__main__ import run
from serving.rollout.board import Board


class Stop:
    """Notes how long it was waited for, and ends after a few times."""

    def __init__(self, times: int) -> None:
        self.waited: list[float] = []
        self.times = times

    def wait(self, seconds: float) -> bool:
        self.waited.append(seconds)
        return len(self.waited) > self.times


def pauses(asked: float, *changed: bool) -> list[float]:
    rounds = iter(changed)
    stop: Any = Stop(len(changed))
    controller: Any = SimpleNamespace(
        asked=asked, round=lambda: next(rounds), looked=True, failures={}
    )
    board = Board()
    run(controller, board, stop)
    assert board.turns().rounds == len(changed)
    return stop.waited[1:]


@pytest.mark.parametrize(("asked", "pause"), [(0.02, 1.0), (0.5, 1.5), (60.0, 5.0)])
def test_a_server_that_takes_its_time_is_asked_less_often(asked: float, pause: float) -> None:
    assert pauses(asked, False, False) == [pause, pause]


def test_what_goes_on_is_followed_at_once_wherever_it_is() -> None:
    assert pauses(60.0, True, False) == [0.05, 5.0]
