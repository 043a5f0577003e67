"""Build images and tell of each how long it took and how large it is."""

from __future__ import annotations

import sys
import time

from rich.console import Console

from millrace.errors import MillraceError
from tools.images.docker import built, require_docker, size_of
from tools.images.roles import chosen, image_name


def main() -> None:
    """Build the images of the roles that are named, or those that a cluster needs."""
    try:
        _build(sys.argv[1:], Console(highlight=False))
    except MillraceError as error:
        sys.exit(f"images: {error}")
    except KeyboardInterrupt:
        sys.stderr.write("images: interrupted\n")
        sys.exit(130)


def _build(named: list[str], console: Console) -> None:
    roles = chosen(named)
    require_docker()
    for role in roles:
        name, start = image_name(role), time.monotonic()
        with console.status(f"{role}: starting") as spinner:
            for step in built(role, name):
                spinner.update(f"[dim]{role}: {step}[/]")
        seconds, megabytes = time.monotonic() - start, size_of(name) / 1_000_000
        console.print(f"{name:<32} {seconds:5.0f} s  {megabytes:6,.0f} MB", soft_wrap=True)


if __name__ == "__main__":
    main()
