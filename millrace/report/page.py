"""From a run's summary to its report: one HTML file that needs nothing else."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from millrace.runs.summary import RunSummary

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES = Path(__file__).parent / "templates"


def render(summary: RunSummary) -> str:
    """Return a run's report as one HTML file: no script, no request, only the parts there are.

    The same summary gives the same text. Whatever stands in the summary is shown as text: it is
    escaped, and the file's content security policy allows no script.
    """
    from millrace.report.opening import opening
    from millrace.report.sections import sections

    page = environment().get_template("report.html.j2")
    return page.render(
        run=summary,
        opening=opening(summary),
        sections=sections(summary),
        style=style(),
    )


def style() -> str:
    """Return the style sheet of all reports."""
    return (_TEMPLATES / "report.css").read_text(encoding="utf-8")


@cache
def environment() -> Environment:
    """Return what renders the templates: all that is shown is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    from millrace.report.text import when

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["when"] = when
    return environment
