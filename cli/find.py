"""Find what a user names: a workload, a run or a bundle, by as much as tells it from others."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

from millrace.errors import MillraceError
from millrace.runs.summary import RunSummary
from millrace.settings import Settings
from millrace.storage import Store, open_store


def workload_folder(named: str) -> Path:
    """Return the folder of a workload that is named by its folder or by its name."""
    given = Path(named)
    under = Path("workloads") / named
    if not (given / "workload.yaml").is_file() and (under / "workload.yaml").is_file():
        return under
    return given.parent if given.name == "workload.yaml" else given


def find_run(named: str, settings: Settings) -> RunSummary:
    """Return the summary of a run, or of the newest run of a workload.

    Raises:
        MillraceError: there is no such run, or it has left no summary that can be read.
    """
    store = open_store(settings)
    runs = store.names("runs")
    name = Path(named).name if "/" in named else named
    ours = [run for run in runs if run == name] or [
        run for run in runs if run.rpartition("-")[0].rpartition("-")[0] == name
    ]
    told = [run for run in ours if store.exists(f"runs/{run}/summary.json")]
    if told:
        key = f"runs/{told[-1]}/summary.json"
        return RunSummary.parse(
            store.read_bytes(key), store.location(key), "make a new one: `millrace run`"
        )
    near = difflib.get_close_matches(name, runs, n=1)
    raise MillraceError(
        "the run left no summary" if ours else "there is no such run",
        where=named,
        remedy=f"did you mean {near[0]!r}?"
        if near and not ours
        else "make one: `millrace run WORKLOAD`",
    )


def is_bundle_start(text: str) -> bool:
    """Return whether a text can be the start of a bundle's digest: six digits of it, or more."""
    return re.fullmatch(r"[0-9a-f]{6,64}", text) is not None


def find_bundle(start: str, store: Store, where: str) -> str:
    """Return the digest of the one bundle whose digest begins so.

    Args:
        start: at least six hexadecimal digits.
        store: where bundles lie.
        where: what the user typed, for the message.

    Raises:
        MillraceError: none begins so, or more than one.
    """
    digests = [name for name in store.names("bundles/sha256") if name.startswith(start)]
    if len(digests) == 1:
        return digests[0]
    raise MillraceError(
        "more than one bundle begins so" if digests else "there is no such bundle",
        where=where,
        found=", ".join(digest[:16] for digest in digests),
        remedy="give more of its digits" if digests else "`millrace candidates` lists them",
    )
