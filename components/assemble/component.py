"""Assemble a point-in-time correct training set."""

from kfp import dsl

from components.policy import Policy, component

POLICY = Policy(role="pipeline", cached=True, memory="3Gi", retries=2, timeout=3600)


@component(POLICY)
def assemble(
    workload: str,
    accepted: dsl.Input[dsl.Dataset],
    snapshot_digest: str,
    as_of: str,
    code_revision: str,
    features_digest: str,
    dataset: dsl.Output[dsl.Dataset],
) -> str:
    """Ask the feature store for training data as of each event, and split it.

    Args:
        workload: folder of the workload.
        accepted: records that keep the contract: entities, labels, slices.
        snapshot_digest: digest of the snapshot.
        as_of: its as-of time, ISO 8601.
        code_revision: digest of the code.
        features_digest: digest of what the feature store holds as of that time.
        dataset: train, validation and test part, and what their columns mean.

    Returns:
        Digest of the training set.
    """
    from datetime import datetime
    from pathlib import Path

    from millrace.dataset import assemble as make
    from millrace.runs.step import step

    computation = (snapshot_digest, as_of, code_revision, features_digest)
    with step("assemble", workload, computation=computation) as work:
        manifest = make(
            work.workload,
            Path(accepted.path),
            Path(dataset.path),
            work.settings,
            work.store,
            as_of=datetime.fromisoformat(as_of),
        )
        dataset.metadata["digest"] = manifest.digest
        work.document = manifest
        work.note = ", ".join(f"{part} {rows:,}" for part, rows in manifest.rows.items())
    return str(manifest.digest)
