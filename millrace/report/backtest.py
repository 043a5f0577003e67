"""From a backtest to its report: how models would have aged, and each turn with its reasons."""

from __future__ import annotations

from dataclasses import dataclass

from millrace.backtest.result import POLICIES, Backtest, Period, Policy, Turn
from millrace.evaluation.result import Estimate
from millrace.report import text
from millrace.report.ageing import charts_of
from millrace.report.chart import Chart
from millrace.report.dates import day
from millrace.report.opening import Figure, Tone
from millrace.report.page import environment, style


@dataclass(frozen=True)
class PeriodRow:
    """The events of one period, as tables show them."""

    period: str
    events: str
    mean_label: str
    scores: list[str]
    """Of each policy."""
    problem: str = ""
    """Stands for the scores where there are none."""


@dataclass(frozen=True)
class TurnRow:
    """One turn, as the table shows it."""

    day: str
    released: bool
    outcome: str
    score: str
    interval: str
    reason: str
    period: PeriodRow


@dataclass(frozen=True)
class Page:
    """What the report shows."""

    tone: Tone
    word: str
    headline: str
    figures: list[Figure]
    charts: list[Chart]
    turns: list[TurnRow]
    mean: PeriodRow
    policies: list[str]
    metric: str
    better: str


def render_backtest(found: Backtest) -> str:
    """Return a backtest's report as one HTML file: no script, no request."""
    page = environment().get_template("backtest.html.j2")
    return page.render(backtest=found, it=page_of(found), style=style())


def page_of(found: Backtest) -> Page:
    """Return what the report of a backtest shows."""
    word, tone = _verdict(found)
    decimals = _decimals(found)
    return Page(
        tone=tone,
        word=word,
        headline=summed_up(found),
        figures=_figures(found),
        charts=charts_of(found, means(found), decimals),
        turns=[_row(turn, decimals) for turn in found.turns],
        mean=mean_row(found),
        policies=list(POLICIES),
        metric=text.metric_name(found.metric),
        better="higher is better" if found.higher_is_better else "lower is better",
    )


def summed_up(found: Backtest) -> str:
    """Return in a sentence or two what retraining would have been worth."""
    turns = text.counted(len(found.turns), "turn")
    told = f"{found.released} of {turns} would have released a model."
    gain, mean, decimals = found.gain, means(found), _decimals(found)
    if gain is None:
        return f"{told} There was no period to compare models in."
    name, periods = text.metric_name(found.metric), text.counted(len(found.periods), "period")
    never, again = (text.number(mean[p], decimals) for p in ("never retrained", "retrained"))
    if not found.replaced:
        return f"{told} The first model answered throughout: mean {name} {never} in {periods}."
    interval = _interval(gain, decimals, signed=True)
    return (
        f"{told} Over {periods} the first model alone had a mean {name} of {never}, with "
        f"retraining it was {again}: a gain of {text.signed(gain.value, decimals)} ({interval})."
    )


def means(found: Backtest) -> dict[Policy, float | None]:
    """Return the mean score of each policy over all periods."""
    return {policy: found.mean_of(policy) for policy in POLICIES}


def period_rows(found: Backtest) -> list[PeriodRow]:
    """Return all periods, those that could not be measured with the reason."""
    decimals = _decimals(found)
    return [_told(turn.period, decimals) for turn in found.turns if turn.period]


def mean_row(found: Backtest) -> PeriodRow:
    """Return the means of all periods, each counted alike."""
    decimals = _decimals(found)
    scores = [text.number(mean, decimals) for mean in means(found).values()]
    return PeriodRow(f"mean of {text.counted(len(found.periods), 'period')}", "", "", scores)


def _decimals(found: Backtest) -> int:
    """Return with how many decimals all scores are told."""
    scores = [showing.score for period in found.periods for showing in period.showings]
    return text.decimals_for(scores + [turn.score for turn in found.turns if turn.score])


def _verdict(found: Backtest) -> tuple[str, Tone]:
    gain = found.gain
    if gain is None:
        return "Nothing to compare", "held"
    if not found.replaced:
        return "Never replaced", "held"
    if gain.low > 0:
        return "Retraining pays", "good"
    return ("Retraining hurts", "bad") if gain.high < 0 else ("No clear gain", "same")


def _figures(found: Backtest) -> list[Figure]:
    name, decimals = text.metric_name(found.metric), _decimals(found)
    figures = [
        Figure(f"{name}, {policy}", text.number(mean, decimals), "mean of all periods")
        for policy, mean in means(found).items()
        if mean is not None
    ]
    seconds = [turn.seconds for turn in found.turns]
    took = text.duration(sum(seconds) / len(seconds)) if seconds else text.NOTHING
    return [
        *figures,
        Figure("Released", f"{found.released} of {len(found.turns)}", "turns"),
        Figure("A turn took", took, f"mean of {len(seconds)}"),
    ]


def _row(turn: Turn, decimals: int) -> TurnRow:
    unmeasured = PeriodRow("", "", "", [text.NOTHING for _ in POLICIES])
    return TurnRow(
        day=day(turn.as_of),
        released=turn.outcome == "released",
        outcome=turn.outcome,
        score=text.number(turn.score.value if turn.score else None, decimals),
        interval=_interval(turn.score, decimals) if turn.score else "",
        reason=text.with_metric_names(turn.reason),
        period=_told(turn.period, decimals) if turn.period else unmeasured,
    )


def _told(period: Period, decimals: int) -> PeriodRow:
    scores = {showing.policy: showing.score.value for showing in period.showings}
    return PeriodRow(
        period=f"{day(period.start)} to {day(period.end)}",
        events=text.count(period.rows),
        mean_label=text.mean(period.mean_label),
        scores=[text.number(scores.get(policy), decimals) for policy in POLICIES],
        problem=period.problem,
    )


def _interval(estimate: Estimate, decimals: int, *, signed: bool = False) -> str:
    spell = text.signed if signed else text.number
    return f"{spell(estimate.low, decimals)} to {spell(estimate.high, decimals)}"
