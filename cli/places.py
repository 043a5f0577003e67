"""Where what a run left behind lies: first on this machine, then as others address it."""

from __future__ import annotations

from millrace.registry.published import bundle_key
from millrace.runs.summary import RunSummary
from millrace.storage import Store


def places_of(told: RunSummary, store: Store) -> dict[str, str]:
    """Return the places of a run's bundle, quarantine, report and summary; those there are."""
    found: dict[str, str] = {}
    if told.registration is not None:
        found["bundle"] = store.location(bundle_key(told.registration.digest))
        found["address"] = told.registration.uri
    if told.quality is not None and told.quality.quarantine is not None:
        found["quarantine"] = told.quality.quarantine
    for name in ("report.html", "summary.json"):
        key = f"runs/{told.run}/{name}"
        found[name.partition(".")[0]] = store.location(key)
    if found.get("address") == found.get("bundle"):
        found.pop("address", None)
    return found
