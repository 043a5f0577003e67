"""Write the model as one ONNX graph, with what serving and drift need beside it."""

from kfp import dsl

from components.policy import Policy, component

POLICY = Policy(role="training", cached=True, memory="4Gi", retries=1, timeout=1800)


@component(POLICY)
def export(
    workload: str,
    dataset: dsl.Input[dsl.Dataset],
    model: dsl.Input[dsl.Model],
    snapshot_digest: str,
    as_of: str,
    code_revision: str,
    dataset_digest: str,
    exported: dsl.Output[dsl.Model],
) -> None:
    """Export to ONNX, from named feature values to predictions.

    Args:
        workload: folder of the workload.
        dataset: the training set.
        model: the trained model.
        snapshot_digest: digest of the snapshot.
        as_of: its as-of time, ISO 8601.
        code_revision: digest of the code.
        dataset_digest: digest of the training set.
        exported: model.onnx, the drift reference, the lookup plan and torch's own answers.
    """
    from pathlib import Path

    from millrace.export import export as write
    from millrace.runs.step import step

    computation = (snapshot_digest, as_of, code_revision, dataset_digest)
    with step("export", workload, computation=computation) as work:
        manifest = write(work.workload, Path(dataset.path), Path(model.path), Path(exported.path))
        exported.metadata["digest"] = manifest.model
        work.document = manifest
        work.note = f"model.onnx {manifest.model[:12]}, {manifest.size / 1000:,.0f} kB"
