"""Run the demonstration; whatever happens, nothing of it stays running."""

from __future__ import annotations

import signal
import sys
from types import FrameType

from rich.console import Console

from millrace.errors import MillraceError
from tools.demo.commands import end_commands
from tools.demo.scene import fresh_scene
from tools.demo.story import Story
from tools.demo.timeline import Timeline

_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, an orderly end from outside, a terminal that is closed."""


def main() -> None:
    """Tell the story; every fault ends in one line and a code that is not zero."""
    for number in _ENDS:
        signal.signal(number, _interrupt)
    try:
        _tell(Timeline(Console(highlight=False)))
    except MillraceError as error:
        sys.exit(f"demo: {error}")
    except KeyboardInterrupt:
        sys.stderr.write("demo: interrupted\n")
        sys.exit(130)


def _tell(timeline: Timeline) -> None:
    """Tell the story, and end the platform that it started."""
    scene = fresh_scene()
    try:
        Story(scene, timeline).tell()
    finally:
        _end_undisturbed()
        end_commands()
        timeline.command("millrace", "down")
        scene.millrace.do("down")


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    _end_undisturbed()
    raise KeyboardInterrupt


def _end_undisturbed() -> None:
    """Hear no further signal: the end that is under way is the one that leaves nothing behind."""
    for number in _ENDS:
        signal.signal(number, lambda *_: None)


if __name__ == "__main__":
    main()
