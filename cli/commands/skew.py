"""`millrace skew`: whether what was served is what training would see."""

from __future__ import annotations

import sys
from pathlib import Path

from cli.console import console, print_json
from cli.find import workload_folder
from cli.views_skew import show_skew
from millrace.errors import MillraceError
from millrace.settings import Settings, load_settings
from millrace.storage import open_store
from millrace.workload import load_workload


def skew(named: str, events: Path | None, *, as_json: bool) -> None:
    """Compare what was served with the offline store, and show what differs.

    Raises:
        MillraceError: there is no such workload, there are no events, or something that is compared
            cannot be read.
        SystemExit: a value differs; with code 1, after it was shown.
    """
    from millrace.skew.events import read_events
    from millrace.skew.measure import measure

    settings = load_settings()
    workload = load_workload(workload_folder(named))
    files = _files(events, workload.name, settings)
    found = measure(workload, read_events(files, workload.name), settings, open_store(settings))
    if as_json:
        print_json({**found.model_dump(mode="json"), "differ": found.differ})
    else:
        show_skew(console, found)
    if found.differ:
        sys.exit(1)


def _files(named: Path | None, workload: str, settings: Settings) -> list[Path]:
    """Return the files of events, the older ones first.

    Raises:
        MillraceError: there are none.
    """
    if named is not None and not named.is_dir():
        return [named]
    folder = named or settings.events_folder
    pattern = "*.jsonl*" if named else f"{workload}.jsonl*"
    files = sorted(folder.rglob(pattern), reverse=True)
    if not files:
        raise MillraceError(
            "there are no events",
            where=str(folder),
            expected=f"files such as {workload}.jsonl",
            remedy="serve the workload with `millrace up` and ask it, or name a file with --events",
        )
    return files
