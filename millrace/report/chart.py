"""Charts as plain geometry: what the templates draw as inline SVG."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from millrace.report.scale import Scale, ticks
from millrace.report.series import Series

WIDTH, HEIGHT = 360, 270
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 12, 40


@dataclass(frozen=True)
class Tick:
    """A named place on an axis."""

    at: float
    label: str


@dataclass(frozen=True)
class Line:
    """One series: its points joined, and marked where there are few."""

    series: Series
    points: str
    marks: list[tuple[float, float]]
    note: str
    """What the legend says of it, such as its area."""


@dataclass(frozen=True)
class Guide:
    """A reference line, such as chance, with a word beside it."""

    ends: tuple[float, float, float, float]
    label: str
    x: float
    y: float
    anchor: str


@dataclass(frozen=True)
class Bar:
    """One bar of a histogram."""

    x: float
    y: float
    width: float
    height: float
    title: str


@dataclass(frozen=True)
class Chart:
    """One chart in units of its view box, WIDTH by HEIGHT."""

    key: str
    """Unique in the report: the start of the ids in it."""
    title: str
    description: str
    """What the chart says, for those who do not see it."""
    x_label: str
    y_label: str
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    lines: list[Line] = field(default_factory=list)
    guides: list[Guide] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    caption: str = ""

    @property
    def box(self) -> dict[str, int]:
        """Return the sizes of the view box and of the plot in it."""
        return {
            "width": WIDTH,
            "height": HEIGHT,
            "left": LEFT,
            "right": WIDTH - RIGHT,
            "top": TOP,
            "bottom": HEIGHT - BOTTOM,
        }


@dataclass(frozen=True)
class Frame:
    """The plot's two scales."""

    x_scale: Scale
    y_scale: Scale

    def x(self, value: float) -> float:
        """Return where a value stands from left to right."""
        return round(LEFT + self.x_scale.at(value) * (WIDTH - LEFT - RIGHT), 1)

    def y(self, value: float) -> float:
        """Return where a value stands from top to bottom."""
        return round(HEIGHT - BOTTOM - self.y_scale.at(value) * (HEIGHT - TOP - BOTTOM), 1)

    def x_ticks(self, label: Callable[[float], str] = "{:g}".format) -> list[Tick]:
        """Return named places along the bottom."""
        return [Tick(self.x(v), label(v)) for v in ticks(self.x_scale.low, self.x_scale.high)]

    def y_ticks(self, label: Callable[[float], str] = "{:g}".format) -> list[Tick]:
        """Return named places along the left."""
        return [Tick(self.y(v), label(v)) for v in ticks(self.y_scale.low, self.y_scale.high)]

    def line(
        self, series: Series, x: Iterable[float], y: Iterable[float], *, mark: bool, note: str = ""
    ) -> Line:
        """Return a series; points that are no numbers are left out."""
        points = [
            (self.x(a), self.y(b))
            for a, b in zip(x, y, strict=False)
            if math.isfinite(a) and math.isfinite(b)
        ]
        return Line(
            series, " ".join(f"{a:g},{b:g}" for a, b in points), points if mark else [], note
        )

    def guide(
        self,
        start: tuple[float, float],
        end: tuple[float, float],
        label: str,
        *,
        shift: tuple[float, float] = (0.0, 0.0),
        anchor: str = "end",
    ) -> Guide:
        """Return a reference line with its label at the end of it, shifted by view box units."""
        x, y = self.x(end[0]), self.y(end[1])
        ends = (self.x(start[0]), self.y(start[1]), x, y)
        return Guide(ends, label, round(x + shift[0], 1), round(y + shift[1], 1), anchor)
