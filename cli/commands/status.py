"""`millrace status`: what serves, how traffic is split, and how the canary does."""

from __future__ import annotations

import sys
import time
from contextlib import suppress

from cli.console import console, print_json
from cli.interrupt import Interrupted
from cli.status.facts import Facts
from cli.status.gather import gather
from millrace.errors import MillraceError
from millrace.settings import Settings, load_settings

REFRESH_SECONDS = 1.0


def status(workload: str, *, watch: bool, as_json: bool) -> None:
    """Show the status once, or until somebody presses Ctrl-C.

    Raises:
        MillraceError: the workload is not in the deploy repository, or that does not answer.
    """
    settings = load_settings()
    facts = gather(settings, workload)
    if workload and not facts.workloads:
        raise MillraceError(
            "the deploy repository has no such workload",
            where=workload,
            remedy="`millrace status` shows those that there are",
        )
    if as_json:
        print_json(facts.model_dump(mode="json"))
        return
    from cli.status.show import shown

    if watch and sys.stdout.isatty():
        with suppress(Interrupted):  # Ctrl-C is how one leaves, so it is no fault
            _watch(settings, workload, facts)
    else:
        console.print(shown(facts, console.width))


def _watch(settings: Settings, workload: str, facts: Facts) -> None:
    """Go on showing the status; what cannot be known for a moment is said above what was known."""
    from rich.live import Live

    from cli.status.show import outdated, shown

    with Live(
        shown(facts, console.width), console=console, auto_refresh=False, screen=True
    ) as live:
        while True:
            time.sleep(REFRESH_SECONDS)
            try:
                facts = gather(settings, workload)
                picture = shown(facts, console.width)
            except MillraceError as error:
                picture = outdated(facts, str(error), time.time(), console.width)
            live.update(picture, refresh=True)
