"""Gather what serves: Git says what should be, the platform what is, the metrics how it does."""

from __future__ import annotations

import time
from collections.abc import Sequence

from cli.status.arms import arms_of, running_arms
from cli.status.facts import Facts, PullRequestFacts, WorkloadFacts
from cli.status.released import Released
from millrace.addresses import without_credentials
from millrace.deploy import PullRequest, open_forge, open_repository
from millrace.errors import ReleaseError
from millrace.settings import Settings
from millrace.workload.rollout import Rollout, SetWeight
from serving.local.state import PlatformState, read_state
from serving.rollout.status import read_status


def gather(settings: Settings, only: str = "") -> Facts:
    """Return what serves in an installation.

    Args:
        settings: the installation.
        only: name of the workload to look at; all if it is empty.

    Raises:
        DeployError: the deploy repository or its forge does not answer.
        MillraceError: what the platform wrote cannot be understood.
    """
    repository = open_repository(settings)
    commit = repository.head()
    pulls = open_forge(settings).pull_requests()
    state = read_state(settings)
    names = {name for name in repository.folders(commit) if not name.startswith(".")}
    names |= {pull.branch.split("/")[1] for pull in pulls if pull.branch.startswith("millrace/")}
    wanted = sorted(names if not only else names & {only})
    released = Released(repository, commit)
    workloads = [_workload(name, released, pulls, state, settings) for name in wanted]
    told = {one.problem for one in workloads}
    problems = [one for one in state.faults if one not in told] if state else []
    return Facts(
        running=state is not None,
        pid=state.pid if state else None,
        started=state.started if state else 0.0,
        gateway=f"http://127.0.0.1:{state.gateway_port}" if state else "",
        repository=without_credentials(settings.deploy_url),
        commit=commit,
        applied=state.applied if state else "",
        problems=problems + _processes(state),
        workloads=workloads,
        now=time.time(),
    )


def _processes(state: PlatformState | None) -> list[str]:
    return [f"{one.name}: {one.problem}" for one in state.processes if one.problem] if state else []


def _workload(
    name: str,
    released: Released,
    pulls: Sequence[PullRequest],
    state: PlatformState | None,
    settings: Settings,
) -> WorkloadFacts:
    ours = [
        PullRequestFacts(number=pull.number, title=pull.title, draft=pull.draft, url=pull.url)
        for pull in pulls
        if pull.branch.startswith(f"millrace/{name}/")
    ]
    address = f"http://{name}.{settings.domain}:{state.gateway_port}" if state else ""
    release, problem = None, ""
    try:
        release = released.release(name)
    except ReleaseError as error:
        problem = str(error)
    if release is None:
        return WorkloadFacts(
            name=name,
            address=address,
            problem=problem,
            arms=running_arms(name, state, settings),
            pull_requests=ours,
        )
    status = read_status(settings, name) if state else None
    route = state.route(name) if state else None
    position = release.position
    return WorkloadFacts(
        name=name,
        address=address,
        arms=arms_of(release, state, settings),
        waits_for=route.waits_for if route else "",
        phase=position.phase,
        step=position.step,
        steps=_steps(release.rollout),
        since=released.since(release),
        verdict=status.verdict if status else "",
        reason=(status.reason if status else "") or position.reason,
        judgement=status.judgement if status else None,
        pull_requests=ours,
    )


def _steps(rollout: Rollout) -> list[str]:
    return [
        f"{step.setWeight} %" if isinstance(step, SetWeight) else "pause" for step in rollout.steps
    ]
