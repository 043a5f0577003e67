"""How predictions are distributed, and how far that is from the champion's."""

from __future__ import annotations

import math
from dataclasses import dataclass

from millrace.evaluation.result import Evaluation
from millrace.export.manifest import ScoreBins
from millrace.report import text
from millrace.report.chart import Bar, Chart, Frame, Tick
from millrace.report.scale import Scale
from millrace.report.series import Series
from millrace.workload.target import Kind

EQUAL_BINS = 20
"""Bins in which a model's own scores are shown."""
_POINT = 1e-9
"""Width, in bins that are shown, below which all rows of a bin count as one score."""


@dataclass(frozen=True)
class Shift:
    """How far the candidate's scores are from the champion's."""

    chart: Chart
    distance: str
    rows: str


def total_variation(left: list[int], right: list[int]) -> float:
    """Return the total variation distance of two histograms: 0 the same, 1 disjoint."""
    return sum(abs(a - b) for a, b in zip(_shares(left), _shares(right), strict=True)) / 2


def distribution(bins: ScoreBins, kind: Kind = "binary") -> Chart | None:
    """Return a model's own scores as a histogram of equal bins; None if nothing was scored.

    The model's own bins hold about as many rows each, so that some are very narrow: drawn by
    their density, one of them would leave nothing to see of the others.
    """
    total = sum(bins.counts)
    if not total:
        return None
    low, high = _ends(bins.edges, kind)
    shares = equal_shares([low, *bins.edges, high], bins.counts)
    frame = Frame(Scale(low, high), Scale(0.0, max(shares) * 1.05))
    width = (high - low) / EQUAL_BINS
    bars = []
    for place, share in enumerate(shares):
        start = low + place * width
        ends = f"{_end(start, kind)} to {_end(start + width, kind)}"
        title = f"{ends}: {text.percent(share)}"
        bars.append(
            _bar(frame, frame.x(start), frame.x(start + width), frame.y(share), title),
        )
    return Chart(
        key="scores",
        title="Distribution of scores",
        description=f"Distribution of {text.count(total)} predictions in {len(bars)} bins.",
        x_label="prediction",
        y_label=f"share of rows, in{text.SPACE}%",
        x_ticks=frame.x_ticks(),
        y_ticks=frame.y_ticks(lambda share: f"{100 * share:.3g}"),
        bars=bars,
        caption=f"The candidate's: the share of test rows in each of {EQUAL_BINS} equal bins, "
        "estimated from its own bins.",
    )


def _ends(edges: list[float], kind: Kind) -> tuple[float, float]:
    """Return where a histogram starts and ends: probabilities have bounds, numbers have none.

    The outermost bins of numbers are drawn as wide as the others are on average.
    """
    if kind == "binary":
        return min(0.0, *edges, 0.0), max(1.0, *edges, 1.0)
    spread = edges[-1] - edges[0]
    reach = spread / (len(edges) - 1) if spread > 0 else max(abs(edges[0]), 1.0)
    return edges[0] - reach, edges[-1] + reach


def equal_shares(edges: list[float], counts: list[int]) -> list[float]:
    """Return the shares of rows in EQUAL_BINS bins of equal width.

    Within a bin that is given, rows are taken to be spread evenly.

    Args:
        edges: all edges of the bins that are given, ascending; those of an empty one may be equal.
        counts: rows in each of them, not all 0.
    """
    low, high = edges[0], edges[-1]
    total = sum(counts)
    shares = [0.0] * EQUAL_BINS
    for start, end, count in zip(edges[:-1], edges[1:], counts, strict=True):
        first, last = ((e - low) / (high - low) * EQUAL_BINS for e in (start, end))
        if last - first < _POINT:
            shares[min(int(first), EQUAL_BINS - 1)] += count / total
            continue
        for place in range(int(first), min(math.ceil(last), EQUAL_BINS)):
            inside = min(last, place + 1) - max(first, place)
            shares[place] += count / total * inside / (last - first)
    return shares


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


def _end(value: float, kind: Kind) -> str:
    return text.number(value, 2) if kind == "binary" else text.quantity(value)


def _bar(frame: Frame, left: float, right: float, top: float, title: str) -> Bar:
    base = frame.y(frame.y_scale.low)
    return Bar(left, top, round(right - left, 1), round(base - top, 1), title)


def _shares(counts: list[int]) -> list[float]:
    total = sum(counts) or 1
    return [n / total for n in counts]
