"""Hold a snapshot to its contract."""

from kfp import dsl

from components.policy import Policy, component

POLICY = Policy(role="pipeline", cached=True, memory="2Gi", retries=1, timeout=1800)


@component(POLICY)
def validate(
    workload: str,
    snapshot_digest: str,
    as_of: str,
    code_revision: str,
    previous: str,
    usual_rows: int,
    accepted: dsl.Output[dsl.Dataset],
    quarantine: dsl.Output[dsl.Dataset],
) -> None:
    """Hold the snapshot to the contract: broken records to quarantine, a broken batch stops.

    Args:
        workload: folder of the workload.
        snapshot_digest: digest of the snapshot.
        as_of: its as-of time, ISO 8601.
        code_revision: digest of the code.
        previous: digest of the snapshot before; empty if there is none.
        usual_rows: median row count of earlier snapshots; 0 if there is none.
        accepted: records that keep the contract.
        quarantine: records that break it, with their reasons.
    """
    import tempfile
    from datetime import datetime
    from pathlib import Path

    from millrace.ingest import mark_accepted
    from millrace.runs.step import step
    from millrace.validation import validate as hold

    computation = (snapshot_digest, as_of, code_revision, previous, str(usual_rows))
    with (
        step("validate", workload, computation=computation) as work,
        tempfile.TemporaryDirectory() as scratch,
    ):
        report = hold(
            work.workload,
            work.snapshot(snapshot_digest, scratch),
            as_of=datetime.fromisoformat(as_of),
            usual_rows=usual_rows or None,
            previous=work.snapshot(previous, scratch) if previous else None,
            accepted=Path(accepted.path),
            quarantine=Path(quarantine.path),
        )
        if report.quarantined:
            key = f"quarantine/{work.workload.name}/{snapshot_digest}-{code_revision[:12]}"
            work.store.publish(Path(quarantine.path), key)
            report = report.model_copy(update={"quarantine": work.store.location(key)})
        work.document = report
        work.note = f"{report.accepted:,} accepted, {report.quarantined:,} in quarantine"
        report.require_accepted(str(work.workload.file))
        mark_accepted(work.workload, work.store, snapshot_digest)
