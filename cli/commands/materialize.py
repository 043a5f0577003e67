"""`millrace materialize`: newer features online, by the compiled materialization pipeline."""

from __future__ import annotations

from cli.find import workload_folder
from cli.pipeline_here import pipeline_here
from millrace.runs.arguments import point_in_time
from millrace.settings import load_settings
from millrace.storage import open_store
from millrace.workload import load_workload


def materialize(named: str, as_of: str, *, as_json: bool) -> None:
    """Bring the workload's features up to date, and tell of each step. Nothing is trained.

    Raises:
        MillraceError: the workload is not well declared, the time is none, or the pipeline cannot
            run.
        SystemExit: the run is red; with code 1, after its story was told.
    """
    from pipelines.compile import MATERIALIZATION

    settings = load_settings()
    workload = load_workload(workload_folder(named))
    point_in_time(as_of, "--as-of")
    pipeline_here(
        MATERIALIZATION,
        workload,
        {"as_of": as_of},
        settings,
        open_store(settings),
        family=f"{workload.name}.materialization",
        places={},
        as_json=as_json,
    )
