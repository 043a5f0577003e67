"""`millrace rollback`: propose that what served before serves again."""

from __future__ import annotations

import time
from pathlib import Path

from rich.markup import escape

from cli.console import console, print_json
from millrace.deploy import open_forge, open_repository
from millrace.registry import open_registry
from millrace.release import site_of
from millrace.release.rollback import Places, Proposed, propose_rollback
from millrace.settings import load_settings
from millrace.storage import open_store


def rollback(workload: str, to: str, reason: str, *, as_json: bool) -> None:
    """Propose to go back; by the workload's policy, merge that at once.

    Raises:
        MillraceError: there is nothing to go back to, or something does not answer.
    """
    settings = load_settings()
    places = Places(
        repository=open_repository(settings),
        forge=open_forge(settings, person=True),
        registry=open_registry(settings),
        store=open_store(settings),
        site=site_of(settings),
    )
    name = Path(workload).name
    made = propose_rollback(name, places, to=to, reason=reason, now=time.time())
    merged = places.forge.merge(made.pull_request.number) if made.merges_itself else ""
    if as_json:
        print_json(
            {
                "pull_request": made.pull_request.number,
                "title": made.pull_request.title,
                "url": made.pull_request.url,
                "serves": made.arm.model_dump(include={"version", "digest", "name"}),
                "leaves": made.leaves.model_dump(include={"version", "digest", "name"}),
                "merged": merged or None,
            }
        )
        return
    _tell(made, merged)


def _tell(made: Proposed, merged: str) -> None:
    number = made.pull_request.number
    console.print(f"Pull request #{number}: {escape(made.pull_request.title)}", soft_wrap=True)
    if merged:
        when = " as soon as it is ready" if made.restores else ""
        console.print(
            f"Merged as {merged[:12]}, as the workload's policy says: version {made.arm.version} "
            f"gets all the traffic{when}, and version {made.leaves.version} goes.",
            soft_wrap=True,
        )
    else:
        console.print(
            f"It waits for a review, {made.review}: `millrace pr show {number}`, then "
            f"`millrace pr merge {number}`.",
            soft_wrap=True,
        )
