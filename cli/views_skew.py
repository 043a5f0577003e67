"""A measurement of skew as terminal tables."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from millrace.report.text import counted, duration
from millrace.skew import SkewReport
from millrace.skew.report import FeatureSkew, Staleness


def show_skew(console: Console, told: SkewReport) -> None:
    """Print what was compared, what could not be and why, and what differs with examples."""
    if told.features:
        console.print(_features(told))
    if told.differ:
        console.print(_examples(told))
    for reason, rows in told.left_out.items():
        console.print(
            f"[dim]{counted(rows, 'row')} not compared: {escape(reason)}[/]", soft_wrap=True
        )
    if told.stale is not None:
        console.print(_staleness(told.stale, told.compared), soft_wrap=True)
    console.print(_headline(told), soft_wrap=True)


def _headline(told: SkewReport) -> str:
    rows = f"{told.compared:,} of {counted(told.rows, 'row')} compared"
    if not told.compared:
        return f"[bold yellow]Nothing is known of {escape(told.workload)}: {rows}.[/]"
    if told.differ:
        verb = "differs" if told.differ == 1 else "differ"
        values = f"{counted(told.differ, 'value')} {verb} from the offline store"
        return f"[bold red]{values}; {rows}.[/]"
    return f"[bold green]No value differs from the offline store; {rows}.[/]"


def _staleness(told: Staleness, rows: int) -> str:
    median, greatest = map(duration, (told.median_seconds, told.greatest_seconds))
    other = f"{told.other:,} of {counted(rows, 'row')} would have been served other values"
    marked = f"[yellow]{other}[/]" if told.other else other
    unknown = f"; of {told.unknown:,} that is not known yet" if told.unknown else ""
    return (
        f"When asked for, what was online was {median} old in the median, {greatest} at most. "
        f"Had it been brought up to then, {marked}{unknown}."
    )


def _features(told: SkewReport) -> Table:
    table = _table("view", "feature", "compared", "differ", "of these, offline changed since")
    for column in table.columns[2:]:
        column.justify = "right"
    for one in told.features:
        differ = f"[red]{one.differ:,}[/]" if one.differ else "0"
        rewritten = f"{one.rewritten:,}" if one.differ else ""
        table.add_row(escape(one.view), escape(one.name), f"{one.compared:,}", differ, rewritten)
    return table


def _examples(told: SkewReport) -> Table:
    table = _table("feature", "keys", "served", "offline", "when", "request")
    table.title = "Examples"
    for feature in told.features:
        for row in _rows(feature):
            table.add_row(*map(escape, row))
    return table


def _rows(feature: FeatureSkew) -> list[tuple[str, ...]]:
    return [
        (
            feature.name,
            ", ".join(f"{name}={value}" for name, value in one.keys.items()),
            _value(one.served),
            _value(one.offline),
            f"{one.time:%Y-%m-%d %H:%M:%S}",
            one.request,
        )
        for one in feature.examples
    ]


def _value(value: str | float | None) -> str:
    return "missing" if value is None else str(value)


def _table(*columns: str) -> Table:
    """Return an empty table; what is too wide for a terminal is folded, never cut."""
    table = Table(title_justify="left", box=SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
