"""Find the bundle that serves, which the candidate is compared with."""

from components.policy import Policy, component

POLICY = Policy(role="pipeline", cached=False, memory="1Gi", retries=2, timeout=300)


@component(POLICY)
def champion(workload: str, run: str, job: str, champion: str) -> str:
    """Find the champion. Never cached: another bundle may serve by now.

    Args:
        workload: folder of the workload.
        run: name of the run; empty for the KFP job's.
        job: id of the KFP job.
        champion: `auto` to ask the registry, `none`, or a bundle's digest.

    Returns:
        The champion's bundle digest; empty if there is none.
    """
    from millrace.registry import find_champion
    from millrace.runs.step import step

    with step("champion", workload, run=run or job) as work:
        found = find_champion(work.workload.name, champion, work.settings)
        work.document = found
        work.note = f"bundle {found.digest[:12]}" if found.digest else "none yet"
    return str(found.digest)
