"""Fit the workload's torch module."""

from kfp import dsl

from components.policy import Policy, component

POLICY = Policy(role="training", cached=True, cpu="2", memory="4Gi", retries=3, timeout=6 * 3600)


@component(POLICY)
def train(
    workload: str,
    dataset: dsl.Input[dsl.Dataset],
    snapshot_digest: str,
    as_of: str,
    code_revision: str,
    dataset_digest: str,
    model: dsl.Output[dsl.Model],
) -> None:
    """Fit the torch module; a killed attempt goes on from its last checkpoint.

    Args:
        workload: folder of the workload.
        dataset: the training set.
        snapshot_digest: digest of the snapshot.
        as_of: its as-of time, ISO 8601.
        code_revision: digest of the code.
        dataset_digest: digest of the training set.
        model: weights, preprocessing and learning curve.
    """
    from pathlib import Path

    from millrace.runs.step import step
    from millrace.training import train as fit

    computation = (snapshot_digest, as_of, code_revision, dataset_digest)
    with step("train", workload, computation=computation) as work:
        report = fit(
            work.workload,
            Path(dataset.path),
            Path(model.path),
            checkpoint=work.settings.checkpoint_folder(work.workload.name),
            code_revision=code_revision,
        )
        work.document = report
        work.note = f"best of {len(report.curve)} epochs: {report.best_epoch}"
