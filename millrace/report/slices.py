"""How the candidate does on the groups of each slice, and how far the groups are apart."""

from __future__ import annotations

from dataclasses import dataclass

from millrace.evaluation.result import SliceGroup, SliceResult
from millrace.report import text
from millrace.report.metrics import Measured, measured
from millrace.report.scale import scale_around

SHOWN = 40
"""Groups of a slice that are shown; the report stays readable, the rest is in the summary."""


@dataclass(frozen=True)
class Group:
    """One group: how large it is and how well it is served, metric by metric."""

    name: str
    rows: str
    rate: str
    """Share of positive rows; empty if labels are numbers."""
    metrics: list[Measured | None]


@dataclass(frozen=True)
class Slice:
    """One slice as a table."""

    name: str
    metrics: list[str]
    groups: list[Group]
    classes: bool
    """Whether labels are classes, of which one is positive."""
    gaps: list[Measured | None]
    """The greatest gap in each metric."""
    left_out: list[str]
    more: int
    """Groups that are not shown."""


def slices(results: list[SliceResult]) -> list[Slice]:
    """Return each slice as a table of groups by metrics, with the gaps as its last row."""
    return [_slice(result) for result in results]


def _slice(result: SliceResult) -> Slice:
    names = list(dict.fromkeys(name for group in result.groups for name in group.metrics))
    names += [name for name in result.gaps if name not in names]
    shown = result.groups[:SHOWN]
    columns = [_column(name, shown) for name in names]
    return Slice(
        name=result.slice,
        metrics=[text.metric_name(name) for name in names],
        groups=[
            Group(
                _name(group.group),
                text.count(group.rows),
                _rate(group),
                [column[place] for column in columns],
            )
            for place, group in enumerate(shown)
        ],
        classes=all(group.positives is not None for group in shown),
        gaps=[_gap(result, name) for name in names],
        left_out=[text.clip(_name(group), 60) for group in result.left_out[:SHOWN]],
        more=len(result.groups) - len(shown),
    )


def _name(group: str) -> str:
    return group or "missing"


def _rate(group: SliceGroup) -> str:
    if group.positives is None:
        return ""
    return text.percent(group.positives / group.rows) if group.rows else text.NOTHING


def _column(name: str, groups: list[SliceGroup]) -> list[Measured | None]:
    estimates = [group.metrics[name] for group in groups if name in group.metrics]
    scale = scale_around(part for e in estimates for part in (e.low, e.value, e.high))
    decimals = text.decimals_for(estimates)
    return [
        measured(group.metrics[name], scale, decimals) if name in group.metrics else None
        for group in groups
    ]


def _gap(result: SliceResult, name: str) -> Measured | None:
    gap = result.gaps.get(name)
    if gap is None:
        return None
    return measured(gap, scale_around([gap.low, gap.high, 0.0]), text.decimals_for([gap]))
