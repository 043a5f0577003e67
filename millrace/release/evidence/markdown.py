"""Small parts of Markdown: tables, lists, figures as people read them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True)
class Text:
    """Title and body of a pull request."""

    title: str
    body: str


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; its cells are plain text or inline Markdown, in one line each."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def bullets(points: Iterable[str]) -> str:
    """Return a list."""
    return "\n".join(f"- {point}" for point in points)


def numbered(points: Iterable[str]) -> str:
    """Return a numbered list."""
    return "\n".join(f"{number}. {point}" for number, point in enumerate(points, 1))


def page(*parts: str) -> str:
    """Return the parts that are not empty, a blank line between them."""
    return "\n\n".join(part.strip("\n") for part in parts if part.strip()) + "\n"


def percent(share: float) -> str:
    """Return a share as percent: `0.12 %`, `9.8 %`, `25 %`."""
    if share == 0:
        return "0 %"
    digits = 0 if share >= 0.9995 else 1 if share >= 0.00995 else 2 if share >= 0.0000995 else 4
    text = f"{share * 100:.{digits}f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} %"


def duration(seconds: float) -> str:
    """Return a time that passed, in its two greatest units: `2 h 5 min`, `40 s`."""
    whole = max(0, round(seconds))
    parts = ((whole // 86400, "d"), (whole // 3600 % 24, "h"), (whole // 60 % 60, "min"))
    shown = [f"{count} {unit}" for count, unit in (*parts, (whole % 60, "s")) if count]
    return " ".join(shown[:2]) or "0 s"


def span(length: timedelta) -> str:
    """Return a declared duration in words."""
    if length < timedelta(seconds=1):
        return f"{length / timedelta(milliseconds=1):g} ms"
    return duration(length.total_seconds())


def moment(time: float) -> str:
    """Return a Unix time for people, in UTC."""
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M} UTC"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
