"""`millrace candidates`: what the registry holds."""

from __future__ import annotations

from pathlib import Path

from cli.console import console, print_json
from cli.views import candidates_table
from millrace.errors import RegistryError
from millrace.registry import open_registry
from millrace.settings import load_settings


def candidates(workload: str | None, *, as_json: bool) -> None:
    """List the registered candidates of one workload, or of all, newest first.

    Raises:
        RegistryError: nothing is registered under the name.
    """
    registry = open_registry(load_settings())
    name = Path(workload).name if workload else None
    names = [name] if name else registry.names()
    found = [candidate for one in names for candidate in registry.candidates(one)]
    if not found and name:
        known = registry.names()
        raise RegistryError(
            "nothing is registered",
            where=name,
            expected=f"one of {', '.join(known)}" if known else "",
            remedy=f"run it: `millrace run {name}`",
        )
    if as_json:
        print_json([candidate.model_dump() for candidate in found])
    elif not found:
        console.print("Nothing is registered yet; run a workload: `millrace run NAME`")
    else:
        console.print(candidates_table(found))
