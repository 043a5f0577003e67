"""Figures of the status, short enough for a terminal of 80 columns."""

from __future__ import annotations


def share(value: float | None) -> str:
    """Return a share as percent; '' if there is none."""
    if value is None:
        return ""
    percent = 100 * value
    return f"{percent:.0f} %" if percent >= 10 else f"{percent:.2g} %"


def count(value: int) -> str:
    """Return a count, in thousands or millions where it is large."""
    if value < 10_000:
        return f"{value:,}"
    return f"{value / 1e3:.0f}k" if value < 1_000_000 else f"{value / 1e6:.1f}M"


def bound(seconds: float | None) -> str:
    """Return an upper bound of a time; '' if it is not known."""
    if seconds is None:
        return ""
    return f"≤ {1000 * seconds:.3g} ms" if seconds < 1 else f"≤ {seconds:.3g} s"


def rate(value: float) -> str:
    """Return requests a second."""
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def age(seconds: float) -> str:
    """Return how long something has lasted."""
    minutes, left = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {left} s" if minutes else f"{left} s"
