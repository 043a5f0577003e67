"""`millrace run`: the compiled retraining pipeline, on this machine."""

from __future__ import annotations

from cli.find import workload_folder
from cli.pipeline_here import pipeline_here
from cli.request import Request
from millrace.registry.mlflow_client import address
from millrace.settings import load_settings
from millrace.storage import open_store
from millrace.workload import load_workload


def run(request: Request, *, as_json: bool) -> None:
    """Run the pipeline, tell of each step, then of the verdict.

    Raises:
        MillraceError: the workload is not well declared, the request makes no sense, or the
            pipeline cannot run.
        SystemExit: the run is red; with code 1, after its story was told.
    """
    from pipelines.compile import RETRAINING

    settings = load_settings()
    store = open_store(settings)
    workload = load_workload(workload_folder(request.workload))
    pipeline_here(
        RETRAINING,
        workload,
        request.arguments(workload, store),
        settings,
        store,
        family=workload.name,
        places={"registry": address(settings)},
        as_json=as_json,
    )
