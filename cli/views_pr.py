"""Pull requests on a terminal: a list, and one with its evidence and its diff."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import ClassVar

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import Markdown, MarkdownElement, TableElement
from rich.markup import escape
from rich.syntax import Syntax
from rich.table import Table

from millrace.deploy import FileChange, PullRequest

_COLOURS = {"open": "cyan", "draft": "dim", "merged": "green", "closed": "red"}
_WIDTH = 100
"""Columns of evidence, however wide the terminal or the file is."""
_LINES = 60
"""Lines of a diff that are shown."""


_FOR_SCRIPTS = re.compile(r"^Millrace-\w+: .+$", re.MULTILINE)
"""Lines at the end of a text by which the platform knows what a pull request is about."""


class _Folding(TableElement):
    """A table of a text; what is too wide for a terminal is folded, never cut."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the table."""
        for table in super().__rich_console__(console, options):
            if isinstance(table, Table):
                for column in table.columns:
                    column.overflow = "fold"
            yield table


class _Evidence(Markdown):
    """The text of a pull request."""

    elements: ClassVar[dict[str, type[MarkdownElement]]] = {
        **Markdown.elements,
        "table_open": _Folding,
    }

    def __init__(self, text: str) -> None:
        super().__init__(_FOR_SCRIPTS.sub(r"\g<0>  ", text))  # two blanks keep lines apart


def pull_requests_table(found: Sequence[PullRequest]) -> Table:
    """Return pull requests as a table; what is too wide for a terminal is folded, never cut."""
    table = Table(title_justify="left", box=SIMPLE_HEAD)
    for name in ("number", "workload", "state", "title", "opened"):
        table.add_column(name, overflow="fold", justify="right" if name == "number" else "left")
    for one in found:
        table.add_row(
            f"#{one.number}", escape(_workload(one)), _state(one), escape(one.title), _opened(one)
        )
    return table


def show_pull_request(
    console: Console, there: PullRequest, files: Sequence[FileChange], diff: str
) -> None:
    """Print a pull request.

    Args:
        console: where to print.
        there: the pull request.
        files: what it does to each file.
        diff: the same as a unified diff.
    """
    console.print(f"[bold]#{there.number} {escape(there.title)}[/]", soft_wrap=True)
    console.print(f"{_state(there)}, opened {_opened(there)} UTC as {escape(there.branch)}")
    if there.comment:
        console.print(f"Closed with: {escape(there.comment)}")
    if there.url:
        console.print(escape(there.url), soft_wrap=True)
    console.print()
    console.print(_Evidence(there.body), width=min(_WIDTH, console.width))
    console.print()
    for one in files:
        counts = f"[green]+{one.lines_added}[/] [red]-{one.lines_removed}[/]"
        console.print(f"{one.kind:<8} {escape(one.path)} {counts}", soft_wrap=True)
    lines = diff.splitlines()
    shown = "\n".join(lines[:_LINES])
    if shown:
        console.print()
        width = max(_WIDTH, *(len(line) for line in lines[:_LINES]))
        code = Syntax(shown, "diff", background_color="default", word_wrap=True)
        console.print(code, width=min(width, console.width))
    if len(lines) > _LINES:
        console.print(f"[dim]{len(lines) - _LINES} more lines: `--json` tells them all.[/]")


def _state(one: PullRequest) -> str:
    state = "draft" if one.draft and one.state == "open" else one.state
    return f"[{_COLOURS[state]}]{state}[/]"


def _workload(one: PullRequest) -> str:
    """Return the workload that a branch `millrace/WORKLOAD/...` is about."""
    parts = one.branch.split("/")
    return parts[1] if len(parts) > 2 else ""


def _opened(one: PullRequest) -> str:
    return datetime.fromtimestamp(one.created, UTC).strftime("%Y-%m-%d %H:%M")
