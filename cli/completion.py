"""What a shell offers while a command is typed."""

from __future__ import annotations

from pathlib import Path

from millrace.errors import MillraceError


def workload_names(incomplete: str) -> list[str]:
    """Return the workloads under workloads/ whose name begins so."""
    names = (file.parent.name for file in Path("workloads").glob("*/workload.yaml"))
    return sorted(name for name in names if name.startswith(incomplete))


def workloads_and_folders(incomplete: str) -> list[str]:
    """Return the workloads, and the folders on the way to one that begin so."""
    head, slash, start = incomplete.rpartition("/")
    above = Path(f"{head}{slash}") if slash else Path()
    try:
        folders = sorted(
            f"{head}{slash}{path.name}"
            for path in above.iterdir()
            if path.is_dir() and path.name.startswith(start) and _shown(path.name, start)
        )
    except OSError:
        folders = []
    return [
        *([] if slash else workload_names(incomplete)),
        *(name if _is_workload(name) else f"{name}/" for name in folders),
    ]


def runs_and_workloads(incomplete: str) -> list[str]:
    """Return the workloads, and the runs in the store, that begin so; the newest run first."""
    from millrace.settings import load_settings
    from millrace.storage import open_store

    try:
        runs = open_store(load_settings()).names("runs")
    except MillraceError:
        runs = []
    return [*workload_names(incomplete), *(r for r in reversed(runs) if r.startswith(incomplete))]


def open_pull_requests(incomplete: str) -> list[tuple[str, str]]:
    """Return the numbers of open pull requests that begin so, with their titles."""
    from millrace.deploy import open_forge
    from millrace.settings import load_settings

    try:
        found = open_forge(load_settings()).pull_requests()
    except MillraceError:
        found = []
    numbered = [(str(one.number), one.title) for one in found]
    return [one for one in numbered if one[0].startswith(incomplete)]


def _shown(name: str, start: str) -> bool:
    return start.startswith(".") or not name.startswith((".", "__"))


def _is_workload(folder: str) -> bool:
    return (Path(folder) / "workload.yaml").is_file()
