"""`millrace run`: the compiled retraining pipeline, on this machine."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from cli.console import console, print_json
from cli.find import workload_folder
from cli.narrate import Narrator
from cli.places import places_of
from cli.request import Request
from cli.views import show_summary
from millrace.errors import MillraceError
from millrace.registry.mlflow_client import address
from millrace.runs.summary import RunSummary
from millrace.settings import load_settings
from millrace.storage import Store, open_store
from millrace.workload import load_workload
from pipelines.local.lock import only_run
from pipelines.local.runner import run_pipeline


def run(request: Request, *, as_json: bool) -> None:
    """Run the pipeline, tell of each step, then of the verdict.

    Raises:
        MillraceError: the workload is not well declared, the request makes no sense, or the
            pipeline cannot run.
        SystemExit: the run is red; with code 1, after its story was told.
    """
    from pipelines.compile import COMPILED

    settings = load_settings()
    store = open_store(settings)
    workload = load_workload(workload_folder(request.workload))
    arguments = request.arguments(workload, store)
    name = f"{workload.name}-{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid4().hex[:6]}"
    log = settings.store_folder / "runs" / name / "log.txt"
    narrator = Narrator(console, quiet=as_json)
    with only_run(settings, workload.name), narrator:
        green = run_pipeline(
            COMPILED / "retraining.yaml",
            {"workload": str(workload.folder.resolve()), "run": name, **arguments},
            settings,
            log,
            narrator.hear,
        )
    told = _summary(store, name)
    places = {
        **(places_of(told, store) if told else {}),
        "log": str(log),
        "registry": address(settings),
    }
    if as_json:
        print_json(_as_json(told, places, narrator))
    elif told is not None:
        show_summary(console, told, places)
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
