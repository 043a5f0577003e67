"""What a benchmark reports: a row a measurement."""

from __future__ import annotations

import math
from typing import TypedDict


class Row(TypedDict):
    """One measurement: ours, the peer's if there is one, their ratio, the goal."""

    name: str
    ours: float
    peer: float | None
    ratio: float | None
    goal: str
    met: bool


def against_peer(
    name: str,
    ours: float,
    peer: float,
    *,
    at_most: float = math.inf,
    at_least: float = 0.0,
) -> Row:
    """Return a row whose goal is a ratio to a peer: at most that, or at least; or just reported."""
    ratio = ours / peer
    goal = "ratio " + (f">= {at_least:g}" if at_least else f"<= {at_most:g}")
    return Row(
        name=name,
        ours=round(ours, 4),
        peer=round(peer, 4),
        ratio=round(ratio, 3),
        goal=goal if at_least or at_most < math.inf else "reported",
        met=at_least <= ratio <= at_most,
    )


def against_goal(name: str, ours: float, *, at_most: float) -> Row:
    """Return a row whose goal is a number."""
    return Row(
        name=name,
        ours=round(ours, 4),
        peer=None,
        ratio=None,
        goal=f"<= {at_most:g}",
        met=ours <= at_most,
    )
