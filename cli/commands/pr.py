"""`millrace pr`: what is proposed for the deploy repository, and a person's say in it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from rich.markup import escape

from cli.console import console, print_json
from cli.views_pr import pull_requests_table, show_pull_request
from millrace.deploy import open_forge, open_repository
from millrace.errors import ConflictError
from millrace.settings import load_settings


def list_(
    workload: str | None, state: Literal["open", "merged", "closed", "all"], *, as_json: bool
) -> None:
    """List pull requests of one workload, or of all, newest first."""
    name = Path(workload).name if workload else ""
    found = open_forge(load_settings()).pull_requests(name, state)
    if as_json:
        print_json([one.model_dump() for one in found])
    elif found:
        console.print(pull_requests_table(found))
    else:
        which = "" if state == "all" else f"{state} "
        console.print(f"There is no {which}pull request{f' of {escape(name)}' if name else ''}.")


def show(number: int, *, as_json: bool) -> None:
    """Show one pull request with its evidence and what it changes.

    Raises:
        DeployError: there is none of this number.
    """
    settings = load_settings()
    there = open_forge(settings).get(number)
    files, text = open_repository(settings).difference(there.head)
    if as_json:
        changes = {"files": [one.model_dump() for one in files], "diff": text}
        print_json({**there.model_dump(), **changes})
    else:
        show_pull_request(console, there, files, text)


def merge(number: int, *, as_json: bool) -> None:
    """Merge one pull request in the name of the person at the terminal.

    Raises:
        DeployError: there is none of this number.
        ConflictError: it no longer applies, or is a draft, or is not open.
    """
    commit = open_forge(load_settings(), person=True).merge(number)
    if as_json:
        print_json({"number": number, "state": "merged", "commit": commit})
    else:
        console.print(f"[green]Merged[/] #{number}: the main branch is at {commit[:12]}.")


def close(number: int, comment: str, *, as_json: bool) -> None:
    """Close one pull request without merging it.

    Raises:
        DeployError: there is none of this number.
        ConflictError: it is merged, or closed already.
    """
    forge = open_forge(load_settings(), person=True)
    if forge.get(number).state == "closed":
        raise ConflictError("it is closed already", where=f"pull request #{number}")
    forge.close(number, comment)
    if as_json:
        print_json({"number": number, "state": "closed"})
    else:
        console.print(f"[green]Closed[/] #{number}: nothing was changed.")
