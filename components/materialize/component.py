"""Compute features and bring them to the offline and online store."""

from kfp import dsl

from components.policy import Policy, component

POLICY = Policy(role="pipeline", cached=False, memory="3Gi", retries=2, timeout=3600)


@component(POLICY)
def materialize(
    workload: str,
    run: str,
    job: str,
    accepted: dsl.Input[dsl.Dataset],
    as_of: str,
    champion_digest: str,
) -> str:
    """Compute features and materialize what is new. Never cached: it writes to the stores.

    Args:
        workload: folder of the workload.
        run: name of the run; empty for the KFP job's.
        job: id of the KFP job.
        accepted: records that keep the contract.
        as_of: as-of time of the snapshot, ISO 8601.
        champion_digest: bundle whose feature views must not change; empty if there is none.

    Returns:
        Digest of all that training as of this time can see.
    """
    import tempfile
    from datetime import datetime
    from pathlib import Path

    from millrace.features import LookupPlan
    from millrace.features import materialize as bring
    from millrace.registry import open_bundle
    from millrace.runs.step import step

    with (
        step("materialize", workload, run=run or job) as work,
        tempfile.TemporaryDirectory() as scratch,
    ):
        protected = []
        if champion_digest:
            bundle = open_bundle(work.store, champion_digest, Path(scratch))
            protected.append(LookupPlan.read(bundle / "lookup.json"))
        state = bring(
            work.workload,
            Path(accepted.path),
            work.store,
            work.settings,
            as_of=datetime.fromisoformat(as_of),
            protected=protected,
        )
        work.document = state
        added = sum(view.added for view in state.views)
        work.note = f"{len(state.views)} feature views, {added:,} new rows"
    return str(state.digest)
