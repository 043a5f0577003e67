"""Run the demonstration; whatever happens, nothing of it stays running."""

from __future__ import annotations

import signal
import sys

from rich.console import Console

from millrace.errors import MillraceError
from tools.demo.scene import fresh_scene
from tools.demo.story import Story
from tools.demo.timeline import Timeline


def main() -> None:
    """Tell the story, and end the platform that it started."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console(highlight=False)
    timeline = Timeline(console)
    scene = fresh_scene()
    try:
        Story(scene, timeline).tell()
    except MillraceError as error:
        sys.exit(f"demo: {error}")
    except KeyboardInterrupt:
        sys.exit("demo: interrupted")
    finally:
        timeline.command("millrace", "down")
        scene.call("down")


if __name__ == "__main__":
    main()
