"""The demonstration's timeline in the terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape


class Timeline:
    """Lines with the time since the start before them."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._start = time.monotonic()

    @property
    def elapsed(self) -> float:
        """Return the seconds since the start."""
        return time.monotonic() - self._start

    def chapter(self, title: str) -> None:
        """Begin a part of the story."""
        self._console.print(f"\n[bold]{escape(title)}[/]")

    def command(self, *words: str) -> None:
        """Show a command as a person would type it."""
        self._line(f"[cyan]$ {escape(' '.join(words))}[/]")

    @contextmanager
    def doing(self) -> Iterator[Callable[[str], None]]:
        """Show what is under way below the last line, on a terminal, until it is over."""
        with self._console.status("") as spinner:
            yield lambda text: spinner.update(f"[dim]{escape(text)}[/]")

    def tell(self, text: str, style: str = "") -> None:
        """Say that something happened."""
        self._line(f"[{style}]{escape(text)}[/]" if style else escape(text))

    def _line(self, text: str) -> None:
        minutes, seconds = divmod(int(self.elapsed), 60)
        self._console.print(f"[dim]{minutes}:{seconds:02}[/]  {text}", soft_wrap=True)
