"""What merging a pull request does, step by step, as the workload's rollout section says."""

from __future__ import annotations

from millrace.release.documents import Canary, Release
from millrace.release.evidence.markdown import percent, span
from millrace.workload.rollout import Pause, Permission, Rollout, SetWeight
from millrace.workload.serving import Serving


def first_release_steps(workload: str, arm: str, hostname: str) -> list[str]:
    """Return what merging a first release does."""
    return [
        f"`{arm}` starts; it is ready once the digest of its bundle was checked and it answered "
        "a first inference.",
        f"It gets all requests to `{hostname}`: nothing of `{workload}` served before, so nothing "
        "is judged.",
    ]


def canary_steps(canary: Canary, release: Release, rollout: Rollout, serving: Serving) -> list[str]:
    """Return what merging a candidate's pull request does."""
    name, stable = canary.name, release.stable.name
    return [
        f"`{name}` starts beside `{stable}`, with no traffic, until it is ready.",
        f"It then goes through {_path(rollout)}. {_who(rollout.policy.advance, 'Each step')}",
        _judging(rollout, serving),
        f"If `{name}` is worse than that allows, or is not promoted within "
        f"{span(rollout.analysis.maxDuration)}, without the time that people take to answer, it is "
        "rolled back. "
        f"{_who(rollout.policy.rollback, 'That')}",
        f"After the last step it is promoted: it gets all the traffic, and `{stable}` goes. "
        f"{_who(rollout.policy.promote, 'That')}",
    ]


def restore_steps(canary: Canary, release: Release) -> list[str]:
    """Return what merging a pull request that restores a kept bundle does."""
    return [
        f"`{canary.name}` starts beside `{release.stable.name}`, with no traffic, until it is "
        "ready.",
        "It then gets all the traffic at once, without being judged: you ask for it.",
        f"`{release.stable.name}` goes.",
    ]


def _path(rollout: Rollout) -> str:
    parts = []
    for step in rollout.steps:
        if isinstance(step, SetWeight):
            parts.append(f"{step.setWeight} %")
        elif isinstance(step, Pause):
            length = step.pause.duration
            parts.append(f"a pause of {span(length)}" if length else "a pause until you go on")
    weights = ", ".join(parts)
    return f"{weights} of the traffic"


def _judging(rollout: Rollout, serving: Serving) -> str:
    analysis = rollout.analysis
    return (
        f"It leaves a step once it has answered {analysis.minSamples:,} requests there and the "
        "evidence says that all traffic would have at most "
        f"{percent(analysis.tolerance.errors)} more errors and "
        f"{percent(analysis.tolerance.slow)} more answers slower than {span(serving.latency)} "
        f"by it; each of these says so wrongly in at most {percent(analysis.alpha)} of rollouts."
    )


def _who(permission: Permission, what: str) -> str:
    if permission == "auto":
        return f"{what} happens by itself."
    return f"{what} is a pull request that waits for you."
