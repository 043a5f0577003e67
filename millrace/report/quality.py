"""What the batch looked like: records taken and set aside, findings, columns, drift."""

from __future__ import annotations

import math
from dataclasses import dataclass

from millrace.report import text
from millrace.runs.summary import RunSummary
from millrace.validation.report import ColumnDrift, ColumnProfile, Finding, QualityReport

SHOWN = 150
"""Findings, columns and distances that are shown; the report stays readable and small."""
MEASURES = {"ks": "Kolmogorov-Smirnov", "total_variation": "total variation"}


@dataclass(frozen=True)
class Shown:
    """One finding."""

    column: str
    problem: str
    records: str
    examples: list[str]
    remedy: str
    rejects: bool


@dataclass(frozen=True)
class Profile:
    """One column of the accepted records."""

    name: str
    type: str
    missing: str
    distinct: str
    spread: list[str]
    """Least, median and greatest number; empty for text and categories."""
    top: list[tuple[str, str, float, float]]
    """Value, its share, and where its part of a bar starts and how long it is, in percent."""


@dataclass(frozen=True)
class Quality:
    """What the section on data quality shows."""

    parsed: str
    accepted: str
    quarantined: str
    accepted_share: float
    quarantined_share: str
    quarantine: str
    """Where the quarantined records lie; empty if there are none."""
    usual: str
    findings: list[Shown]
    more_findings: int
    columns: list[Profile]
    more_columns: int


@dataclass(frozen=True)
class Moved:
    """How far one column moved; its bar in percent of the longest."""

    name: str
    measure: str
    distance: str
    length: float


@dataclass(frozen=True)
class Drift:
    """What the section on drift shows: the columns that moved most first."""

    columns: list[Moved]
    more: int
    scale: str


def quality(report: QualityReport, summary: RunSummary) -> Quality:
    """Return what validation found, what rejects the batch first."""
    parsed = report.parsed or 1
    findings = sorted(report.findings, key=lambda finding: not finding.rejects)
    columns = report.columns if report.accepted else []
    usual = summary.snapshot.usual_rows if summary.snapshot else None
    return Quality(
        parsed=text.count(report.parsed),
        accepted=text.count(report.accepted),
        quarantined=text.count(report.quarantined),
        accepted_share=_length(report.accepted / parsed),
        quarantined_share=text.percent(report.quarantined / parsed),
        quarantine=report.quarantine or "",
        usual=text.count(usual) if usual is not None else "",
        findings=[_finding(finding) for finding in findings[:SHOWN]],
        more_findings=max(len(findings) - SHOWN, 0),
        columns=[_profile(column) for column in columns[:SHOWN]],
        more_columns=max(len(columns) - SHOWN, 0),
    )


def drift(moved: list[ColumnDrift]) -> Drift:
    """Return the columns by distance; bars reach to 0.1 at least, so that small stays small."""
    ordered = sorted(moved, key=lambda column: (-column.distance, column.name))
    furthest = max([0.1, *(column.distance for column in moved)])
    reach = math.ceil(round(100 * furthest, 6)) / 100
    return Drift(
        [
            Moved(
                text.clip(column.name, 80),
                MEASURES[column.measure],
                text.number(column.distance),
                round(100 * column.distance / reach, 2),
            )
            for column in ordered[:SHOWN]
        ],
        max(len(ordered) - SHOWN, 0),
        text.quantity(reach),
    )


def _length(share: float) -> float:
    """Return a bar's length in percent, so that even one record on either side can be seen."""
    return share * 100 if share in (0.0, 1.0) else round(min(max(100 * share, 0.8), 99.2), 2)


def _finding(finding: Finding) -> Shown:
    return Shown(
        text.clip(finding.column, 120) if finding.column is not None else "",
        text.clip(finding.problem, 400),
        text.counted(finding.records, "record") if finding.records else "",
        [text.clip(example) for example in finding.examples],
        text.sentence(text.clip(finding.remedy, 400)),
        finding.rejects,
    )


def _profile(column: ColumnProfile) -> Profile:
    spread = [column.low, column.median, column.high]
    top, start = [], 0.0
    for value, share in column.top.items():
        top.append(
            (text.clip(value, 40), text.percent(share), round(start, 2), round(100 * share, 2))
        )
        start += 100 * share
    return Profile(
        text.clip(column.name, 80),
        column.type,
        text.percent(column.missing),
        text.count(column.distinct),
        [text.quantity(n) for n in spread] if any(n is not None for n in spread) else [],
        top,
    )
