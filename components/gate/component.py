"""Judge the candidate: a red run is a good run."""

from kfp import dsl

from components.policy import Policy, component

POLICY = Policy(role="pipeline", cached=True, memory="1Gi", timeout=300)


@component(POLICY)
def gate(
    workload: str,
    evaluation: dsl.Input[dsl.Artifact],
    snapshot_digest: str,
    as_of: str,
    code_revision: str,
    dataset_digest: str,
    champion_digest: str,
    verdict: dsl.Output[dsl.Artifact],
) -> None:
    """Judge the candidate by every gate; a failing one stops the run.

    Args:
        workload: folder of the workload.
        evaluation: what evaluation found.
        snapshot_digest: digest of the snapshot.
        as_of: its as-of time, ISO 8601.
        code_revision: digest of the code.
        dataset_digest: digest of the training set.
        champion_digest: the champion's bundle; empty if there is none.
        verdict: each gate with its evidence.
    """
    from pathlib import Path

    from millrace.evaluation import Evaluation
    from millrace.gates import judge
    from millrace.runs.step import step

    computation = (snapshot_digest, as_of, code_revision, dataset_digest, champion_digest)
    with step("gate", workload, computation=computation) as work:
        judged = judge(work.workload, Evaluation.read(Path(evaluation.path)))
        judged.write(Path(verdict.path))
        work.document = judged
        work.note = f"gates: {judged.tally}"
        judged.require_passed(work.workload.name)
