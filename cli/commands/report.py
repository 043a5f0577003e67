"""`millrace report`: where a run's HTML report is."""

from __future__ import annotations

from pathlib import Path

from cli.console import console, print_json
from cli.find import find_run
from millrace.errors import MillraceError
from millrace.settings import load_settings
from millrace.storage import open_store


def report(what: str, output: Path | None, *, as_json: bool) -> None:
    """Say where the report is, or copy it to a file.

    Raises:
        MillraceError: there is no such run, or the file cannot be written.
    """
    settings = load_settings()
    told = find_run(what, settings)
    store = open_store(settings)
    key = f"runs/{told.run}/report.html"
    place = store.location(key)
    if output is not None:
        _write(output, store.read_bytes(key))
        place = str(output)
    if as_json:
        print_json({"run": told.run, "outcome": told.outcome, "report": place})
    else:
        console.print(place, soft_wrap=True)
        if output is None and console.is_terminal:
            console.print(f"[dim]copy it: millrace report {told.run} --output FILE[/]")


def _write(file: Path, page: bytes) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(page)
    except OSError as error:
        raise MillraceError(
            f"cannot be written: {error.strerror}", where=str(file), remedy="name another file"
        ) from error
