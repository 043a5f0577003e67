"""`millrace show`: a run, or a bundle."""

from __future__ import annotations

import json

from rich.markup import escape

from cli.console import console, print_json
from cli.find import find_bundle, find_run, is_bundle_start
from cli.places import places_of
from cli.views import gates_table, show_summary
from millrace.gates.verdict import Verdict
from millrace.registry.card import Card
from millrace.settings import Settings, load_settings
from millrace.storage import open_store


def show(what: str, *, as_json: bool) -> None:
    """Show a run by its id, the newest run of a workload, or a bundle by (the start of) its digest.

    Raises:
        MillraceError: there is no such thing, or what it left cannot be read.
    """
    settings = load_settings()
    if is_bundle_start(what):
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
    digest = find_bundle(start, store, start)
    key = f"bundles/sha256/{digest}"
    card = Card.parse(
        store.read_bytes(f"{key}/card.json"),
        store.location(f"{key}/card.json"),
        "register the model again: `millrace run`",
    )
    if as_json:
        print_json({"digest": digest, "uri": store.uri(key), "card": card.model_dump()})
        return
    shown = {"bundle": digest, "place": store.location(key), "address": store.uri(key)}
    shown |= {"workload": card.workload, "model": card.model}
    shown |= {name: _text(value) for name, value in card.lineage.model_dump().items()}
    shown["inputs"] = _text([feature.name for feature in card.inputs])
    for name, estimate in card.metrics.items():
        shown[name] = f"{estimate.value:.4f} ({estimate.low:.4f} to {estimate.high:.4f})"
    for name, value in shown.items():
        console.print(f"[dim]{name:<18}[/]{escape(value)}", soft_wrap=True)
    console.print(gates_table(Verdict(results=card.gates)))


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    return "none" if value is None else str(value)
