"""What the benchmark decides of thousands of rollouts at once is what `judge` says of each."""

from collections.abc import Callable

import numpy as np
import pytest

from benchmarks.analysis_decisions import Tolerances, leaves, promotes, rolls_back
from benchmarks.analysis_judged import Judged
from benchmarks.analysis_traffic import STEPS, Numbers, Rollouts, draw
from millrace.analysis.judgement import Verdict

TOLERANCES: Tolerances = {"errors": 0.005, "slow": 0.01}


def rollouts(errors: float, slow: float) -> Rollouts:
    """Return rollouts whose canaries have these rates; the stable arm 1 % and 5 %."""
    shape = (len(STEPS), 50)
    return draw(
        np.random.default_rng(1),
        STEPS,
        {
            "errors": (np.full(shape, 0.01), np.full(shape, errors)),
            "slow": (np.full(shape, 0.05), np.full(shape, slow)),
        },
    )


def advances(made: Rollouts, tolerances: Tolerances) -> Numbers:
    """Return the margin by which a step that is not the last is left."""
    shown = [leaves(made, name, most) for name, most in tolerances.items()]
    return np.where(rolls_back(made, tolerances) >= 0, -np.inf, np.minimum(*shown))


@pytest.mark.parametrize(
    ("decide", "verdict", "errors", "slow"),
    [
        (rolls_back, "roll back", 0.035, 0.05),
        (rolls_back, "roll back", 0.01, 0.085),
        (promotes, "promote", 0.01, 0.05),
        (promotes, "promote", 0.011, 0.051),
        (advances, "advance", 0.015, 0.06),
    ],
)
def test_a_simulation_decides_as_judge_does(
    decide: Callable[[Rollouts, Tolerances], Numbers],
    verdict: Verdict,
    errors: float,
    slow: float,
) -> None:
    made = rollouts(errors, slow)
    margin = decide(made, TOLERANCES)
    assert (margin >= 0).any(axis=0).sum() > 10, "some are decided"
    assert (margin < 0).any(axis=0).sum() > 10, "and not at once"
    judged = Judged()
    judged.compare(made, TOLERANCES, verdict, margin, last=verdict != "advance")
    assert judged.row()["met"], judged.row()


@pytest.mark.parametrize(
    ("decide", "verdict", "errors", "threshold"),
    [
        (rolls_back, "roll back", 0.035, "millrace.analysis.findings._ROLLING_BACK"),
        (promotes, "promote", 0.01, "millrace.analysis.findings.allowed_to_leave"),
    ],
)
def test_the_benchmark_fails_where_judge_decides_by_another_threshold(
    decide: Callable[[Rollouts, Tolerances], Numbers],
    verdict: Verdict,
    errors: float,
    threshold: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = rollouts(errors, 0.05)
    changed = {"_ROLLING_BACK": 1.9, "allowed_to_leave": lambda most, _: np.asarray(most / 2)}
    monkeypatch.setattr(threshold, changed[threshold.rsplit(".", 1)[1]])
    judged = Judged()
    judged.compare(made, TOLERANCES, verdict, decide(made, TOLERANCES))
    assert judged.row()["ours"] > 0
    assert not judged.row()["met"]


def test_a_benchmark_that_asked_judge_nothing_fails() -> None:
    assert not Judged().row()["met"]
