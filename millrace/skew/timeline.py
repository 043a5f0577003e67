"""Until when which view was online at a moment, by the records of materializations."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from millrace.features.online_state import OnlineState, OnlineView

MARGIN = timedelta(seconds=5)
"""How far an event's time may be from when its features were read: the answer came later, and two
machines' clocks differ."""
UNKNOWN = "no materialization before it is known"
RUNNING = "a materialization was running, or had broken off"


class Timeline:
    """Materializations of one workload into one online store."""

    def __init__(self, states: Sequence[OnlineState], margin: timedelta = MARGIN) -> None:
        """Take the materializations, the newest first, and how exact moments are."""
        self._states = states
        self._margin = margin

    def at(self, view: str, moment: datetime) -> OnlineView | str:
        """Return until when a view was online at a moment, or why that cannot be told."""
        for state in self._states:
            online = next((one for one in state.views if one.name == view), None)
            if online is None or state.started > moment + self._margin:
                continue
            ended = state.finished is not None and state.finished <= moment - self._margin
            return online if ended else RUNNING
        return UNKNOWN

    def reach(self, view: str) -> datetime | None:
        """Return until when a view has been materialized by now; None if never."""
        ended = (state for state in self._states if state.finished is not None)
        untils = (one.until for state in ended for one in state.views if one.name == view)
        return max(untils, default=None)


def states_that_matter(
    states: Iterable[OnlineState], online: str, views: Collection[str], first: datetime
) -> list[OnlineState]:
    """Return the materializations that what was served since a moment may have read.

    Args:
        states: all, the newest first; no more of them are read than matter.
        online: the online store that was read.
        views: the views that were read.
        first: the earliest moment.
    """
    found = []
    missing = set(views)
    for state in states:
        if state.online != online:
            continue
        found.append(state)
        if state.finished is not None and state.finished <= first:
            missing.difference_update(view.name for view in state.views)
        if not missing:
            break
    return found
