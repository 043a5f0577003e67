"""From a backtest to its report: how models would have aged, and each turn with its reasons."""

from __future__ import annotations

from dataclasses import dataclass

from millrace.backtest.result import POLICIES, Backtest, Period, Policy, Turn
from millrace.evaluation.result import Estimate
from millrace.report import text
from millrace.report.chart import Chart, Frame
from millrace.report.dates import date_ticks, day, day_number, scale_of_days
from millrace.report.opening import Figure, Tone
from millrace.report.page import environment, style
from millrace.report.scale import scale_around
from millrace.report.series import Series

_LOOKS: dict[Policy, int] = {"never retrained": 1, "retrained": 0, "newest": 2}


@dataclass(frozen=True)
class TurnRow:
    """One turn, as the table shows it."""

    day: str
    outcome: str
    score: str
    interval: str
    reason: str
    events: str
    scores: list[str]
    """Of each policy, on the events since the turn before."""


@dataclass(frozen=True)
class Page:
    """What the report shows."""

    tone: Tone
    word: str
    headline: str
    figures: list[Figure]
    charts: list[Chart]
    turns: list[TurnRow]
    policies: list[str]
    metric: str


def render_backtest(found: Backtest) -> str:
    """Return a backtest's report as one HTML file: no script, no request."""
    page = environment().get_template("backtest.html.j2")
    return page.render(backtest=found, it=page_of(found), style=style())


def page_of(found: Backtest) -> Page:
    """Return what the report of a backtest shows."""
    word, tone = _verdict(found)
    ageing = _ageing(found)
    return Page(
        tone=tone,
        word=word,
        headline=headline(found),
        figures=_figures(found),
        charts=[chart for chart in (ageing, _seasons(found)) if chart],
        turns=[_row(turn) for turn in found.turns],
        policies=list(POLICIES),
        metric=text.metric_name(found.metric),
    )


def headline(found: Backtest) -> str:
    """Return in a sentence or two what retraining would have been worth."""
    released = sum(turn.outcome == "released" for turn in found.turns)
    told = f"{released} of {text.counted(len(found.turns), 'candidate')} would have been released."
    gain, never, again = found.gain, found.mean_of("never retrained"), found.mean_of("retrained")
    if gain is None or never is None or again is None:
        return f"{told} No two turns could be compared."
    name, interval = text.metric_name(found.metric), _interval(gain, signed=True)
    return (
        f"{told} Over {text.counted(len(found.periods), 'period')} after them, the first model "
        f"alone had a mean {name} of {text.number(never)}; with retraining it was "
        f"{text.number(again)}: {text.signed(gain.value)} ({interval})."
    )


def _verdict(found: Backtest) -> tuple[str, Tone]:
    gain = found.gain
    if gain is None:
        return "Nothing to compare", "held"
    if gain.low > 0:
        return "Retraining pays", "good"
    return ("Retraining hurts", "bad") if gain.high < 0 else ("No clear gain", "same")


def _figures(found: Backtest) -> list[Figure]:
    name = text.metric_name(found.metric)
    means = [
        Figure(f"{name}, {policy}", text.number(mean), "mean of all periods")
        for policy in POLICIES
        if (mean := found.mean_of(policy)) is not None
    ]
    released = sum(turn.outcome == "released" for turn in found.turns)
    seconds = [turn.seconds for turn in found.turns]
    took = text.duration(sum(seconds) / len(seconds)) if seconds else text.NOTHING
    return [
        *means,
        Figure("Released", f"{released} of {len(found.turns)}", "candidates that passed"),
        Figure("A turn took", took, f"mean of {len(seconds)}"),
    ]


def _ageing(found: Backtest) -> Chart | None:
    periods = found.periods
    if not periods:
        return None
    ends = [period.end for period in periods]
    parts = [v for p in periods for s in p.showings for v in (s.score.low, s.score.high)]
    frame = Frame(scale_of_days(ends), scale_around(parts))
    name = text.metric_name(found.metric)
    return Chart(
        key="ageing",
        title=f"{name} on events that no model had seen",
        description=f"{name} of each policy in {text.counted(len(periods), 'period')}.",
        x_label="end of the period",
        y_label=name,
        x_ticks=date_ticks(frame, ends),
        y_ticks=frame.y_ticks(),
        lines=[
            frame.line(
                Series(policy.capitalize(), _LOOKS[policy]),
                [day_number(p.end) for p in periods if _score(p, policy)],
                [s.value for p in periods if (s := _score(p, policy))],
                mark=len(periods) <= 30,
                note=text.number(found.mean_of(policy)),
            )
            for policy in POLICIES
            if found.mean_of(policy) is not None
        ],
        caption=f"{'Higher' if found.higher_is_better else 'Lower'} is better; the legend gives "
        "the means of all periods.",
    )


def _seasons(found: Backtest) -> Chart | None:
    periods = found.periods
    if not periods:
        return None
    ends = [period.end for period in periods]
    means = [period.mean_label for period in periods]
    frame = Frame(scale_of_days(ends), scale_around([*means, 0.0]))
    return Chart(
        key="seasons",
        title="What was to be predicted",
        description="Mean label of the events of each period.",
        x_label="end of the period",
        y_label="mean label",
        x_ticks=date_ticks(frame, ends),
        y_ticks=frame.y_ticks(),
        lines=[
            frame.line(
                Series("Mean label", 4),
                [day_number(p.end) for p in periods],
                means,
                mark=len(periods) <= 30,
            )
        ],
        caption="The rate of positives, or the mean of the numbers: how the seasons move it.",
    )


def _row(turn: Turn) -> TurnRow:
    period = turn.period
    return TurnRow(
        day=day(turn.as_of),
        outcome=turn.outcome,
        score=text.number(turn.score.value) if turn.score else text.NOTHING,
        interval=_interval(turn.score) if turn.score else "",
        reason=text.with_metric_names(turn.reason),
        events=text.count(period.rows) if period else "",
        scores=[_told(period, policy) for policy in POLICIES],
    )


def _told(period: Period | None, policy: Policy) -> str:
    score = _score(period, policy) if period else None
    return text.number(score.value) if score else text.NOTHING


def _score(period: Period, policy: Policy) -> Estimate | None:
    return next((s.score for s in period.showings if s.policy == policy), None)


def _interval(estimate: Estimate, *, signed: bool = False) -> str:
    spell = text.signed if signed else text.number
    return f"{spell(estimate.low)} to {spell(estimate.high)}"
