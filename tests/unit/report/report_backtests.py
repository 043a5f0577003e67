"""Backtests as they end in life, for the tests of their report."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from millrace.backtest import Backtest, Period, Showing, Turn
from millrace.backtest.result import POLICIES
from millrace.evaluation.result import Estimate

START = datetime(2024, 1, 1, tzinfo=UTC)
WEEK = timedelta(days=7)


def estimate(value: float, reach: float = 0.02) -> Estimate:
    return Estimate(value=value, low=value - reach, high=value + reach)


def period(number: int, every: timedelta, scores: tuple[float, float, float], sign: int) -> Period:
    start = START + (number - 1) * every
    models = ("first", f"champion {number}", f"newest {number}")
    return Period(
        start=start.isoformat(),
        end=(start + every).isoformat(),
        rows=1000 + number,
        mean_label=0.2 + number % 7 / 100,
        showings=[
            Showing(policy=policy, trained=start.isoformat(), model=model, score=estimate(score))
            for policy, model, score in zip(POLICIES, models, scores, strict=True)
        ],
        gain=estimate(sign * (scores[1] - scores[0])),
    )


def ageing(
    turns: int = 8,
    every: timedelta = WEEK,
    *,
    gain: float = 0.05,
    metric: str = "roc_auc",
    unit: float = 1.0,
) -> Backtest:
    """Return a backtest in which the first model gets worse, and the champion is better by so much.

    Args:
        turns: how many.
        every: from one to the next.
        gain: of the champion.
        metric: what it is measured by.
        unit: what all scores are multiplied by.
    """
    higher = metric == "roc_auc"
    sign = 1 if higher else -1

    def scores(number: int) -> tuple[float, float, float]:
        never = (0.8 - sign * 0.001 * (number % 50)) * unit
        return never, never + sign * gain * unit, never + sign * gain * unit / 2

    return Backtest(
        workload="flights",
        code_revision="c0de" * 16,
        start=START.isoformat(),
        end=(START + (turns - 1) * every).isoformat(),
        every="7d",
        kind="binary" if higher else "regression",
        metric=metric,
        higher_is_better=higher,
        planned=turns,
        turns=[
            Turn(
                as_of=(START + number * every).isoformat(),
                basis=f"basis {number}",
                outcome="gate failed" if number % 3 == 2 else "released",
                reason=f"{metric} >= 0.9: 0.801" if number % 3 == 2 else "",
                score=estimate(0.81 * unit),
                bundle=f"bundle {number}",
                model=f"model {number}",
                seconds=61.4,
                period=period(number, every, scores(number), sign) if number else None,
            )
            for number in range(turns)
        ],
    )


def nothing_measured() -> Backtest:
    found = ageing(3)
    turns = [
        turn.model_copy(
            update={
                "outcome": "rejected",
                "reason": "the batch is rejected: there are no records",
                "score": None,
                "bundle": "",
                "period": None,
            }
        )
        for turn in found.turns
    ]
    return found.model_copy(update={"turns": turns})


def one_model() -> Backtest:
    """The first model was never replaced."""
    found = ageing(gain=0.0)
    turns = []
    for turn in found.turns:
        measured = turn.period
        if measured is not None:
            same = [one.model_copy(update={"model": "first"}) for one in measured.showings]
            measured = measured.model_copy(update={"showings": same, "gain": estimate(0, 0)})
        turns.append(turn.model_copy(update={"period": measured}))
    return found.model_copy(update={"turns": turns})


def with_problems() -> Backtest:
    """Some periods could not be measured, and one had no event with a label."""
    found = ageing()
    changes = {
        1: {"problem": "nothing had been released", "showings": [], "gain": None},
        4: {"problem": "no event has a label", "rows": 0, "mean_label": None},
        6: {"problem": "all of its 9 events are negative", "mean_label": 0.0},
    }
    turns = list(found.turns)
    for number, change in changes.items():
        measured = turns[number].period
        assert measured is not None
        empty = measured.model_copy(update={"showings": [], "gain": None, **change})
        turns[number] = turns[number].model_copy(update={"period": empty})
    return found.model_copy(update={"turns": turns, "planned": 12})


BACKTESTS: dict[str, Callable[[], Backtest]] = {
    "pays": ageing,
    "hurts": lambda: ageing(gain=-0.05),
    "unclear": lambda: ageing(gain=0.001),
    "numbers": lambda: ageing(metric="rmse", unit=5000.0),
    "many": lambda: ageing(2000, timedelta(hours=6)),
    "hours": lambda: ageing(9, timedelta(hours=6)),
    "years": lambda: ageing(30, timedelta(days=60)),
    "one_model": one_model,
    "one_turn": lambda: ageing(1),
    "two_turns": lambda: ageing(2),
    "nothing": nothing_measured,
    "problems": with_problems,
}
