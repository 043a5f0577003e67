"""Where a number is predicted, a smaller error is the gain."""

from __future__ import annotations

from pathlib import Path

import pytest
from backtest_worlds import World

from millrace.backtest.loop import metric_of

pytestmark = pytest.mark.slow


def as_numbers(declaration: str) -> str:
    """Predict the minutes; what counts as late becomes known with them."""
    head, _, gates = declaration.partition("  gates:\n")
    assert gates
    head = head.replace("outcome: [minutes]", "outcome: [late]")
    target = '{column: late, kind: binary, positive: "true"}'
    assert target in head
    head = head.replace(target, "{column: minutes, kind: regression}")
    return head + "  gates: [{champion: rmse, margin: 0.05}, {baseline: rmse, margin: 2}]\n"


def test_the_gain_is_positive_where_the_champions_error_is_the_smaller(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.edit(as_numbers)
    assert metric_of(world.workload) == "rmse"
    turns = world.replay("2024-03-21..2024-04-10", "10d")
    period = turns[-1].period
    assert period is not None
    assert period.gain is not None
    scores = {showing.policy: showing.score.value for showing in period.showings}
    gain = scores["never retrained"] - scores["retrained"]
    assert period.gain.value == pytest.approx(gain)
    assert period.mean_label == pytest.approx(75, abs=15)
