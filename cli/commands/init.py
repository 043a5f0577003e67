"""`millrace init`: a new workload that runs as it is."""

from __future__ import annotations

from pathlib import Path

from cli.console import console, print_json
from cli.scaffold import scaffold


def init(name: str, folder: Path | None, *, as_json: bool) -> None:
    """Write a new workload's folder, and say what to do next."""
    target = folder or Path("workloads") / name
    files = scaffold(name, target)
    if as_json:
        print_json({"name": name, "folder": str(target), "files": [str(file) for file in files]})
        return
    for file in files:
        console.print(f"wrote {file}", soft_wrap=True)
    console.print(f"\nNow: [bold]millrace run {target}[/], then make it yours.")
