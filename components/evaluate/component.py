"""Score candidate, champion and plain baselines on the same held-out rows."""

from kfp import dsl

from components.policy import Policy, component

POLICY = Policy(role="pipeline", cached=True, cpu="2", memory="3Gi", retries=1, timeout=3600)


@component(POLICY)
def evaluate(
    workload: str,
    dataset: dsl.Input[dsl.Dataset],
    exported: dsl.Input[dsl.Model],
    snapshot_digest: str,
    as_of: str,
    code_revision: str,
    dataset_digest: str,
    champion_digest: str,
    evaluation: dsl.Output[dsl.Artifact],
) -> None:
    """Score the ONNX that will serve, and what it must not be worse than.

    Args:
        workload: folder of the workload.
        dataset: the training set, with its test part.
        exported: the exported candidate.
        snapshot_digest: digest of the snapshot.
        as_of: its as-of time, ISO 8601.
        code_revision: digest of the code.
        dataset_digest: digest of the training set.
        champion_digest: the champion's bundle; empty if there is none.
        evaluation: metrics with intervals, comparisons, slices, curves.
    """
    import tempfile
    from pathlib import Path

    from millrace.evaluation import evaluate as score
    from millrace.registry import open_bundle
    from millrace.report.text import known_by
    from millrace.runs.step import step

    computation = (snapshot_digest, as_of, code_revision, dataset_digest, champion_digest)
    with (
        step("evaluate", workload, computation=computation) as work,
        tempfile.TemporaryDirectory() as scratch,
    ):
        result = score(
            work.workload,
            Path(dataset.path),
            Path(exported.path),
            champion=open_bundle(work.store, champion_digest, Path(scratch))
            if champion_digest
            else None,
            champion_digest=champion_digest or None,
        )
        result.write(Path(evaluation.path))
        work.document = result
        work.note = known_by(result.models[0].metrics)
