"""The materialization pipeline: newer features for what serves, without training anything."""

from collections.abc import Mapping
from typing import Any

from kfp import dsl

from components.champion import champion
from components.ingest import ingest
from components.materialize import materialize
from components.policy import Role, place
from components.summarize import summarize
from components.validate import validate

DEADLINE_SECONDS = 6 * 3600
"""Features that took longer would be old when they come."""


def materialization(images: Mapping[Role, str]) -> Any:
    """Return the materialization pipeline, its steps in the images of their roles."""

    def task(component: Any, **arguments: Any) -> dsl.PipelineTask:
        return place(component(**arguments), component.policy, images)

    @dsl.pipeline(
        name="materialization",
        description="Bring a workload's features up to date between two retrainings: ingest, "
        "validate, champion, materialize. A batch that is rejected leaves what is online as it is.",
        pipeline_config=dsl.PipelineConfig(active_deadline_seconds=DEADLINE_SECONDS),
    )
    def pipeline(workload: str, run: str = "", signal: str = "manual", as_of: str = "") -> None:
        """Bring a workload's features up to date.

        Args:
            workload: folder of the workload in the images, such as workloads/churn.
            run: name of the run; by default the KFP job's id.
            signal: what asked for the run: manual, schedule, drift or performance.
            as_of: time as of which the source is read, ISO 8601; by default now.
        """
        always = {"workload": workload, "run": run, "job": dsl.PIPELINE_JOB_ID_PLACEHOLDER}
        finish = task(summarize, **always, signal=signal, pipeline="materialization")
        with dsl.ExitHandler(finish, name="refresh"):
            taken = task(ingest, **always, as_of=as_of, window_start="", window_end="")
            held = task(
                validate,
                workload=workload,
                snapshot_digest=taken.outputs["snapshot_digest"],
                as_of=taken.outputs["as_of"],
                code_revision=taken.outputs["code_revision"],
                previous=taken.outputs["previous"],
                usual_rows=taken.outputs["usual_rows"],
            )
            found = task(champion, **always, champion="auto").after(held)
            task(
                materialize,
                **always,
                accepted=held.outputs["accepted"],
                as_of=taken.outputs["as_of"],
                champion_digest=found.output,
            )

    return pipeline
