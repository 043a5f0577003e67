"""Run a compiled pipeline on this machine: tell of each step, then of how it ended."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from cli.console import console, print_json
from cli.narrate import Narrator
from cli.places import places_of
from cli.views import show_summary
from millrace.errors import MillraceError
from millrace.runs.summary import RunSummary
from millrace.settings import Settings
from millrace.storage import Store
from millrace.workload import Workload
from pipelines.local.lock import only_run
from pipelines.local.runner import run_pipeline


def pipeline_here(
    file: str,
    workload: Workload,
    arguments: Mapping[str, str],
    settings: Settings,
    store: Store,
    *,
    family: str,
    places: Mapping[str, str],
    as_json: bool,
) -> None:
    """Run one of the compiled pipelines for a workload, the only one of it at a time.

    Args:
        file: name of the pipeline's IR YAML.
        workload: the workload.
        arguments: the pipeline's other parameters.
        settings: where things are kept.
        store: where the run's summary lies then.
        family: what names of such runs begin with; `millrace show` finds the newest by it.
        places: where other things lie that a reader of the summary may want.
        as_json: whether to tell it to a script.

    Raises:
        MillraceError: the pipeline cannot run, or another run of the workload is under way.
        SystemExit: the run is red; with code 1, after its story was told.
    """
    from pipelines.compile import COMPILED

    name = f"{family}-{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid4().hex[:6]}"
    log = settings.store_folder / "runs" / name / "log.txt"
    narrator = Narrator(console, quiet=as_json)
    with only_run(settings, workload.name), narrator:
        green = run_pipeline(
            COMPILED / file,
            {"workload": str(workload.folder.resolve()), "run": name, **arguments},
            settings,
            log,
            narrator.hear,
        )
    told = _summary(store, name)
    found = {**(places_of(told, store) if told else {}), "log": str(log), **places}
    if as_json:
        print_json(_as_json(told, found, narrator))
    elif told is not None:
        show_summary(console, told, found)
    if not green:
        failure = narrator.failure or (told.failure if told else None) or {}
        message = failure.get("message", "the run failed")
        sys.stderr.write(f"millrace: {message}; the log is {log}\n")
        sys.exit(1)


def _summary(store: Store, run: str) -> RunSummary | None:
    try:
        return RunSummary.model_validate_json(store.read_bytes(f"runs/{run}/summary.json"))
    except MillraceError:
        return None


def _as_json(told: RunSummary | None, places: dict[str, str], narrator: Narrator) -> dict[str, Any]:
    return {
        "outcome": told.outcome if told else "failed",
        "run": told.run if told else None,
        "headline": told.headline if told else "",
        "failure": narrator.failure,
        "metrics": told.metrics() if told else {},
        "registration": told.registration.model_dump() if told and told.registration else None,
        "steps": [step.model_dump() for step in narrator.steps()],
        "places": places,
    }
