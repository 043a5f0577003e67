"""`millrace pr again`: propose a candidate once more."""

from __future__ import annotations

import time

from rich.markup import escape

from cli.console import console, print_json
from millrace.deploy import open_forge, open_repository
from millrace.release import site_of
from millrace.release.again import Desk, propose_again
from millrace.settings import load_settings
from millrace.storage import open_store


def again(number: int, reason: str, *, as_json: bool) -> None:
    """Propose what a settled pull request proposed.

    Raises:
        MillraceError: it brought no candidate, its bundle has been overtaken, or something does
            not answer.
    """
    settings = load_settings()
    desk = Desk(
        repository=open_repository(settings),
        forge=open_forge(settings, person=True),
        store=open_store(settings),
        site=site_of(settings),
    )
    made = propose_again(number, desk, reason=reason, now=time.time())
    if as_json:
        print_json(made.model_dump())
        return
    console.print(f"Pull request #{made.number}: {escape(made.title)}", soft_wrap=True)
    waits = "What it waits for" if made.draft else "It waits for a person"
    merge = "" if made.draft else f", then `millrace pr merge {made.number}`"
    console.print(f"{waits}: `millrace pr show {made.number}`{merge}.", soft_wrap=True)
