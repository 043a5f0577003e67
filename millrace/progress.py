"""What a step says while it works: one JSON line an event, which the runner shows to people."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

MARK = "::millrace::"
_LISTENER: ContextVar[Callable[[dict[str, Any]], None] | None] = ContextVar(
    "listener", default=None
)


def say(event: str, **fields: Any) -> None:
    """Print one event of a step, such as `epoch_done` with its loss, for whoever runs the step."""
    listener = _LISTENER.get()
    if listener is not None:
        listener({"event": event, **fields})
        return
    sys.stdout.write(MARK + json.dumps({"event": event, **fields}, default=str) + "\n")
    sys.stdout.flush()


@contextmanager
def listening(listener: Callable[[dict[str, Any]], None]) -> Iterator[None]:
    """Hand the events of steps that run in this very process to a listener; nothing is printed."""
    token = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(token)


def heard(line: str) -> dict[str, Any] | None:
    """Return the event that a line of a step's output holds, or None for any other line."""
    _, mark, payload = line.partition(MARK)
    if not mark:
        return None
    try:
        event = json.loads(payload)
    except json.JSONDecodeError:
        return None
    return event if isinstance(event, dict) else None
