"""The retraining pipeline: from a source to a registered candidate, or a red run that says why."""

from collections.abc import Mapping
from typing import Any

from kfp import dsl

from components.assemble import assemble
from components.champion import champion
from components.evaluate import evaluate
from components.export import export
from components.gate import gate
from components.ingest import ingest
from components.materialize import materialize
from components.policy import Role, place
from components.register import register
from components.summarize import summarize
from components.train import train
from components.validate import validate

DEADLINE_SECONDS = 24 * 3600
"""A run that takes longer than a day is ended by the backend."""


def retraining(images: Mapping[Role, str]) -> Any:
    """Return the retraining pipeline, its steps in the images of their roles."""

    def task(component: Any, **arguments: Any) -> dsl.PipelineTask:
        return place(component(**arguments), component.policy, images)

    @dsl.pipeline(
        name="retraining",
        description="Retrain a workload: ingest, validate, materialize, assemble, train, export, "
        "evaluate, gate, register. A run that fails a gate registers nothing.",
        pipeline_config=dsl.PipelineConfig(active_deadline_seconds=DEADLINE_SECONDS),
    )
    def pipeline(
        workload: str,
        run: str = "",
        signal: str = "manual",
        as_of: str = "",
        window_start: str = "",
        window_end: str = "",
        champion_bundle: str = "auto",
    ) -> None:
        """Retrain a workload.

        Args:
            workload: folder of the workload in the images, such as workloads/churn.
            run: name of the run; by default the KFP job's id.
            signal: what asked for the run: manual, schedule, drift or performance.
            as_of: time as of which the source is read, ISO 8601; by default now.
            window_start: start of the time window, ISO 8601; by default no window.
            window_end: end of the time window, which is not in it.
            champion_bundle: auto for the registry's champion, none, or a bundle's digest.
        """
        always = {"workload": workload, "run": run, "job": dsl.PIPELINE_JOB_ID_PLACEHOLDER}
        finish = task(summarize, **always, signal=signal, pipeline="retraining")
        with dsl.ExitHandler(finish, name="retrain"):
            taken = task(
                ingest, **always, as_of=as_of, window_start=window_start, window_end=window_end
            )
            origin = {
                "workload": workload,
                "snapshot_digest": taken.outputs["snapshot_digest"],
                "as_of": taken.outputs["as_of"],
                "code_revision": taken.outputs["code_revision"],
            }
            held = task(
                validate,
                **origin,
                previous=taken.outputs["previous"],
                usual_rows=taken.outputs["usual_rows"],
            )
            found = task(champion, **always, champion=champion_bundle).after(held)
            materialized = task(
                materialize,
                **always,
                accepted=held.outputs["accepted"],
                as_of=taken.outputs["as_of"],
                champion_digest=found.output,
            )
            assembled = task(
                assemble,
                **origin,
                accepted=held.outputs["accepted"],
                features_digest=materialized.output,
            )
            dataset = assembled.outputs["dataset"]
            of_dataset = {**origin, "dataset_digest": assembled.outputs["Output"]}
            trained = task(train, **of_dataset, dataset=dataset)
            exported = task(
                export,
                **of_dataset,
                dataset=dataset,
                model=trained.outputs["model"],
            )
            compared = {**of_dataset, "champion_digest": found.output}
            scored = task(
                evaluate,
                **compared,
                dataset=dataset,
                exported=exported.outputs["exported"],
            )
            judged = task(gate, **compared, evaluation=scored.outputs["evaluation"])
            task(
                register,
                **always,
                snapshot_digest=origin["snapshot_digest"],
                as_of=origin["as_of"],
                code_revision=origin["code_revision"],
                champion_digest=found.output,
                signal=signal,
                dataset=dataset,
                exported=exported.outputs["exported"],
                evaluation=scored.outputs["evaluation"],
                verdict=judged.outputs["verdict"],
            )

    return pipeline
