"""`millrace show`: a run, or a bundle."""

from __future__ import annotations

import json
import re

from rich.markup import escape

from cli.console import console, print_json
from cli.find import find_run
from cli.places import places_of
from cli.views import show_summary
from millrace.errors import MillraceError
from millrace.registry.card import Card
from millrace.settings import Settings, load_settings
from millrace.storage import open_store


def show(what: str, *, as_json: bool) -> None:
    """Show a run by its id, the newest run of a workload, or a bundle by (the start of) its digest.

    Raises:
        MillraceError: there is no such thing, or what it left cannot be read.
    """
    settings = load_settings()
    if re.fullmatch(r"[0-9a-f]{6,64}", what):
        _show_bundle(what, settings, as_json=as_json)
        return
    told = find_run(what, settings)
    if as_json:
        print_json(json.loads(told.model_dump_json()))
        return
    console.print(f"[bold]{escape(told.run)}[/], {told.started[:19].replace('T', ' ')} UTC")
    for step in told.steps:
        seconds = f"{step.seconds:.1f} s" if step.seconds is not None else step.outcome
        console.print(f"  {step.name:<12}{seconds:>8}  {escape(step.note)}")
    show_summary(console, told, places_of(told, open_store(settings)))


def _show_bundle(start: str, settings: Settings, *, as_json: bool) -> None:
    store = open_store(settings)
    digests = [name for name in store.names("bundles/sha256") if name.startswith(start)]
    if len(digests) != 1:
        raise MillraceError(
            "more than one bundle begins so" if digests else "there is no such bundle",
            where=start,
            found=", ".join(digest[:16] for digest in digests),
            remedy="`millrace candidates` lists them",
        )
    key = f"bundles/sha256/{digests[0]}"
    card = Card.parse(
        store.read_bytes(f"{key}/card.json"),
        store.location(f"{key}/card.json"),
        "register the model again: `millrace run`",
    )
    if as_json:
        print_json({"digest": digests[0], "uri": store.uri(key), "card": card.model_dump()})
        return
    for name, value in {
        "bundle": digests[0],
        "uri": store.uri(key),
        "workload": card.workload,
        "model": card.model,
        **{key: str(value) for key, value in card.lineage.model_dump().items()},
        "inputs": ", ".join(feature.name for feature in card.inputs),
        **{
            name: f"{e.value:.4f} ({e.low:.4f} to {e.high:.4f})" for name, e in card.metrics.items()
        },
    }.items():
        console.print(f"[dim]{name:<18}[/]{escape(value)}", soft_wrap=True)
