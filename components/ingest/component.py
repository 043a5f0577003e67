"""Take a snapshot of the source, and say what tells this computation from others."""

from typing import NamedTuple

from kfp import dsl

from components.policy import Policy, component

POLICY = Policy(role="pipeline", cached=False, memory="2Gi", retries=2, timeout=3600)


@component(POLICY)
def ingest(
    workload: str,
    run: str,
    job: str,
    as_of: str,
    window_start: str,
    window_end: str,
    snapshot: dsl.Output[dsl.Dataset],
) -> NamedTuple(  # type: ignore[valid-type]
    "Taken", snapshot_digest=str, as_of=str, code_revision=str, previous=str, usual_rows=int
):
    """Take a snapshot of the source. Never cached: the source may have changed.

    Args:
        workload: folder of the workload.
        run: name of the run; empty for the KFP job's.
        job: id of the KFP job.
        as_of: time as of which the source is read, ISO 8601; empty for now.
        window_start: start of the time window, ISO 8601; empty for no window.
        window_end: end of the time window, which is not in it.
        snapshot: the snapshot's manifest; its metadata say where the snapshot itself lies.
    """
    from pathlib import Path

    from millrace.ingest import ingest as take
    from millrace.runs.arguments import point_in_time, time_window
    from millrace.runs.step import step
    from millrace.workload.code import code_revision

    with step("ingest", workload, run=run or job) as work:
        taken = take(
            work.workload,
            work.store,
            as_of=point_in_time(as_of, "as_of"),
            window=time_window(window_start, window_end),
        )
        taken.manifest.write(Path(snapshot.path))
        snapshot.metadata.update(digest=taken.manifest.digest, uri=work.store.uri(taken.key))
        work.document = taken
        work.note = taken.told
        revision = code_revision(work.workload)
        work.facts["code_revision"] = revision
    return (
        taken.manifest.digest,
        taken.as_of.isoformat(),
        revision,
        taken.previous or "",
        taken.usual_rows or 0,
    )
