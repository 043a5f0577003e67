"""How predictions are distributed, and how far that is from the champion's."""

from __future__ import annotations

from millrace.evaluation.result import Evaluation
from millrace.export.manifest import ScoreBins
from millrace.report import text
from millrace.report.chart import Bar, Chart, Frame, Tick
from millrace.report.scale import Scale
from millrace.report.series import Series
from millrace.runs.summary import RunSummary


def scores(summary: RunSummary) -> list[Chart]:
    """Return the candidate's own distribution, and both models' in the champion's bins."""
    made = []
    if summary.exported is not None:
        made.append(_distribution(summary.exported.bins))
    if summary.evaluation is not None:
        made.append(_beside_champion(summary.evaluation))
    return [chart for chart in made if chart is not None]


def total_variation(left: list[int], right: list[int]) -> float:
    """Return the total variation distance of two histograms: 0 the same, 1 disjoint."""
    return sum(abs(a - b) for a, b in zip(_shares(left), _shares(right), strict=True)) / 2


def _distribution(bins: ScoreBins) -> Chart | None:
    total = sum(bins.counts)
    if not total:
        return None
    low = min(0.0, *bins.edges, 0.0)
    high = max(1.0, *bins.edges, 1.0)
    edges = [low, *bins.edges, high]
    spans = [
        (a, b, n / total) for a, b, n in zip(edges[:-1], edges[1:], bins.counts, strict=True) if b > a
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
        title="Candidate's scores",
        description=f"Distribution of {text.count(total)} predictions in {len(bars)} bins.",
        x_label="prediction",
        y_label="density",
        x_ticks=frame.x_ticks(),
        y_ticks=frame.y_ticks(),
        bars=bars,
        caption="The area of a bar is its share of the test rows.",
    )


def _beside_champion(evaluation: Evaluation) -> Chart | None:
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
    return Chart(
        key="bins",
        title="Scores beside the champion's",
        description=f"Share of test rows in each of the champion's {number} score bins. "
        f"Total variation distance {distance}.",
        x_label="the champion's score bin, from low to high",
        y_label="share of rows",
        x_ticks=[Tick(frame.x(n), str(n)) for n in named],
        y_ticks=frame.y_ticks(text.percent),
        lines=[champion],
        bars=bars,
        caption=f"Total variation distance {distance}: 0 is the same distribution, 1 is disjoint.",
    )


def _bar(frame: Frame, left: float, right: float, top: float, title: str) -> Bar:
    base = frame.y(frame.y_scale.low)
    return Bar(left, top, round(right - left, 1), round(base - top, 1), title)


def _shares(counts: list[int]) -> list[float]:
    total = sum(counts) or 1
    return [n / total for n in counts]
