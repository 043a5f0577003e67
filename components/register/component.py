"""Give a passing candidate a bundle, a version and its lineage."""

from typing import NamedTuple

from kfp import dsl

from components.policy import Policy, component

POLICY = Policy(role="pipeline", cached=False, memory="2Gi", retries=2, timeout=900)


@component(POLICY)
def register(
    workload: str,
    run: str,
    job: str,
    dataset: dsl.Input[dsl.Dataset],
    exported: dsl.Input[dsl.Model],
    evaluation: dsl.Input[dsl.Artifact],
    verdict: dsl.Input[dsl.Artifact],
    snapshot_digest: str,
    as_of: str,
    code_revision: str,
    champion_digest: str,
    signal: str,
    bundle: dsl.Output[dsl.Model],
) -> NamedTuple("Registered", digest=str, version=int):  # type: ignore[valid-type]
    """Publish the bundle, register it and propose it. Never cached: it writes to the registry.

    Args:
        workload: folder of the workload.
        run: name of the run; empty for the KFP job's.
        job: id of the KFP job.
        dataset: the training set.
        exported: the exported candidate.
        evaluation: what evaluation found.
        verdict: each gate with its evidence.
        snapshot_digest: digest of the snapshot.
        as_of: its as-of time, ISO 8601.
        code_revision: digest of the code.
        champion_digest: the champion's bundle; empty if there is none.
        signal: what asked for the run.
        bundle: the registration; its metadata say where the bundle itself lies.
    """
    from pathlib import Path

    from millrace.registry import register_candidate
    from millrace.release.registered import propose_registered
    from millrace.runs.step import step

    with step("register", workload, run=run or job) as work:
        registration = register_candidate(
            work.workload,
            work.store,
            work.settings,
            dataset=Path(dataset.path),
            exported=Path(exported.path),
            evaluation=Path(evaluation.path),
            verdict=Path(verdict.path),
            origin={
                "snapshot": snapshot_digest,
                "as_of": as_of,
                "code_revision": code_revision,
                "champion": champion_digest,
                "signal": signal,
                "run": run or job,
            },
        )
        registration = propose_registered(
            work.workload,
            registration,
            work.store,
            work.settings,
            evaluation=Path(evaluation.path),
            verdict=Path(verdict.path),
            snapshot=snapshot_digest,
            run=run or job,
        )
        registration.write(Path(bundle.path))
        bundle.metadata.update(digest=registration.digest, uri=registration.uri)
        work.document = registration
        work.note = registration.note
    return registration.digest, registration.version
