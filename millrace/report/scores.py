"""How predictions are distributed, and how far that is from the champion's."""

from __future__ import annotations

from dataclasses import dataclass

from millrace.evaluation.result import Evaluation
from millrace.export.manifest import ScoreBins
from millrace.report import text
from millrace.report.chart import Bar, Chart, Frame, Tick
from millrace.report.scale import Scale
from millrace.report.series import Series


@dataclass(frozen=True)
class Shift:
    """How far the candidate's scores are from the champion's."""

    chart: Chart
    distance: str
    rows: str


def total_variation(left: list[int], right: list[int]) -> float:
    """Return the total variation distance of two histograms: 0 the same, 1 disjoint."""
    return sum(abs(a - b) for a, b in zip(_shares(left), _shares(right), strict=True)) / 2


def distribution(bins: ScoreBins) -> Chart | None:
    """Return a model's own scores as a histogram; None if nothing was scored."""
    total = sum(bins.counts)
    if not total:
        return None
    low = min(0.0, *bins.edges, 0.0)
    high = max(1.0, *bins.edges, 1.0)
    edges = [low, *bins.edges, high]
    spans = [
        (a, b, n / total)
        for a, b, n in zip(edges[:-1], edges[1:], bins.counts, strict=True)
        if b > a
    ]
    if not spans:
        return None
    tallest = max(share / (b - a) for a, b, share in spans)
    frame = Frame(Scale(low, high), Scale(0.0, (tallest or 1.0) * 1.05))
    bars = []
    for a, b, share in spans:
        top = frame.y(share / (b - a))
        title = f"{text.number(a)} to {text.number(b)}: {text.percent(share)}"
        bars.append(_bar(frame, frame.x(a), frame.x(b), top, title))
    return Chart(
        key="scores",
        title="Distribution of scores",
        description=f"Distribution of {text.count(total)} predictions in {len(bars)} bins.",
        x_label="prediction",
        y_label="density",
        x_ticks=frame.x_ticks(),
        y_ticks=frame.y_ticks(),
        bars=bars,
        caption="The candidate's; the area of a bar is its share of the test rows.",
    )


def shift(evaluation: Evaluation) -> Shift | None:
    """Return both models' scores in the champion's bins; None if there is no champion."""
    mine, theirs = evaluation.candidate_bins, evaluation.champion_bins
    if not mine or not theirs or len(mine) != len(theirs):
        return None
    shares, others = _shares(mine), _shares(theirs)
    number = len(mine)
    frame = Frame(Scale(0.5, number + 0.5), Scale(0.0, max(*shares, *others, 1e-9) * 1.1))
    half = 0.38
    bars = [
        _bar(
            frame,
            frame.x(place - half),
            frame.x(place + half),
            frame.y(share),
            f"bin {place}: candidate {text.percent(share)}, champion {text.percent(other)}",
        )
        for place, (share, other) in enumerate(zip(shares, others, strict=True), start=1)
    ]
    places = [float(n) for n in range(1, number + 1)]
    champion = frame.line(Series("Champion", 1), places, others, mark=True)
    named = sorted({1, number, *range(5, number - 1, 5)})
    distance = text.number(total_variation(mine, theirs))
    chart = Chart(
        key="bins",
        title="Candidate beside champion",
        description=f"Share of test rows in each of the champion's {number} score bins. "
        f"Total variation distance {distance}.",
        x_label="the champion's score bin, from low to high",
        y_label="share of rows",
        x_ticks=[Tick(frame.x(n), str(n)) for n in named],
        y_ticks=frame.y_ticks(lambda share: f"{100 * share:.3g}{text.SPACE}%"),
        lines=[champion],
        bars=bars,
    )
    return Shift(chart, distance, text.counted(sum(mine), "compared row"))


def _bar(frame: Frame, left: float, right: float, top: float, title: str) -> Bar:
    base = frame.y(frame.y_scale.low)
    return Bar(left, top, round(right - left, 1), round(base - top, 1), title)


def _shares(counts: list[int]) -> list[float]:
    total = sum(counts) or 1
    return [n / total for n in counts]
