"""Metrics of every model with their intervals, and the candidate against each of the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from millrace.evaluation.result import HIGHER_IS_BETTER, Comparison, Estimate, Evaluation
from millrace.report import text
from millrace.report.scale import Scale, Whisker, scale_around, whisker
from millrace.report.series import Series, model_name, series_of


@dataclass(frozen=True)
class Measured:
    """One estimate, ready to show."""

    value: str
    interval: str
    whisker: Whisker | None


@dataclass(frozen=True)
class Panel:
    """One metric of all models on one scale."""

    name: str
    meaning: str
    better: str
    rows: list[tuple[Series, Measured]]
    mark: float | None
    """Where the candidate stands, in percent: a line through all rows."""


Reading = Literal["better", "worse", "no clear difference"]


@dataclass(frozen=True)
class Difference:
    """The candidate's paired difference to another model in one metric."""

    metric: str
    measured: Measured
    zero: float
    """Where no difference stands, in percent."""
    reading: Reading


@dataclass(frozen=True)
class Metrics:
    """What the section on metrics shows."""

    panels: list[Panel]
    comparisons: list[tuple[str, list[Difference]]]
    rows: str
    positives: str
    """How many of the rows are positive; empty if labels are numbers."""
    excluded: str
    champion: str
    """What there is to say of the champion; empty if it is simply one of the models."""


def measured(estimate: Estimate, scale: Scale, decimals: int, *, sign: bool = False) -> Measured:
    """Return an estimate's numbers as text and its place on a scale."""
    write = text.signed if sign else text.number
    return Measured(
        write(estimate.value, decimals),
        f"{write(estimate.low, decimals)} to {write(estimate.high, decimals)}",
        whisker(estimate, scale),
    )


def metrics(evaluation: Evaluation) -> Metrics:
    """Return every metric as a panel, and the paired differences by model."""
    names = list(dict.fromkeys(name for model in evaluation.models for name in model.metrics))
    others = list(dict.fromkeys(c.other for c in evaluation.comparisons))
    return Metrics(
        panels=[_panel(name, evaluation) for name in names],
        comparisons=[
            (
                model_name(other),
                [difference(c) for c in evaluation.comparisons if c.other == other],
            )
            for other in others
        ],
        rows=text.counted(evaluation.rows, "held-out row"),
        positives=_positives(evaluation),
        excluded=_left_out(evaluation.excluded),
        champion=champion_note(evaluation),
    )


def _positives(evaluation: Evaluation) -> str:
    if evaluation.positives is None:
        return ""
    share = evaluation.positives / evaluation.rows if evaluation.rows else 0.0
    return f"{text.count(evaluation.positives)} positive, {text.percent(share)}"


def champion_note(evaluation: Evaluation) -> str:
    """Return why there is no comparison with a champion; empty if there is one."""
    if evaluation.champion_problem:
        return f"The candidate cannot be compared with the champion: {evaluation.champion_problem}."
    return "" if evaluation.model("champion") else "There is no champion to compare with."


def difference(comparison: Comparison) -> Difference:
    """Return a comparison as a row whose scale has its zero in the middle."""
    estimate = comparison.difference
    around = scale_around([estimate.low, estimate.high, estimate.value, 0.0])
    reach = max(abs(around.low), abs(around.high))
    scale = Scale(-reach, reach)
    reading: Reading = "no clear difference"
    if estimate.low > 0:
        reading = "better"
    elif estimate.high < 0:
        reading = "worse"
    return Difference(
        text.metric_name(comparison.metric),
        measured(estimate, scale, _decimals(estimate), sign=True),
        round(100 * scale.at(0.0), 2),
        reading,
    )


def _decimals(difference: Estimate) -> int:
    """Return as many decimals as it takes to see on which side of 0 both bounds lie."""
    wanted = text.decimals_for([difference])
    return next(
        (
            more
            for more in range(wanted, 7)
            if all(not bound or round(bound, more) for bound in (difference.low, difference.high))
        ),
        wanted,
    )


def _left_out(rows: int) -> str:
    return f"{text.counted(rows, 'row')} {'is' if rows == 1 else 'are'}" if rows else ""


def _panel(name: str, evaluation: Evaluation) -> Panel:
    looks = series_of(evaluation.models)
    found = [(looks[m.name], m.metrics[name]) for m in evaluation.models if name in m.metrics]
    estimates = [estimate for _, estimate in found]
    scale = scale_around(part for e in estimates for part in (e.low, e.value, e.high))
    decimals = text.decimals_for(estimates)
    rows = [(series, measured(estimate, scale, decimals)) for series, estimate in found]
    first = rows[0][1].whisker
    better = HIGHER_IS_BETTER.get(name)
    direction = "" if better is None else "higher is better" if better else "lower is better"
    return Panel(
        text.metric_name(name),
        text.metric_meaning(name),
        direction,
        rows,
        first.at if first else None,
    )
