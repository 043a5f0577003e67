"""Propose a registered candidate in the deploy repository, once."""

from __future__ import annotations

from dataclasses import dataclass

from millrace.deploy.base import Forge, PullRequest, Repository
from millrace.errors import DeployError, ReleaseError
from millrace.evaluation.result import Evaluation
from millrace.gates.verdict import Verdict
from millrace.located import did_you_mean
from millrace.registry.card import Card
from millrace.registry.registration import Proposal, Registration
from millrace.release.bringing import Brought, as_candidate, bring, present_bundles
from millrace.release.documents import ArmRef, Canary
from millrace.release.evidence import CandidateFacts, candidate_text
from millrace.release.layout import Site, arm_name, branch_of, has_release, site_of
from millrace.release.notes import with_note
from millrace.release.reading import read_release
from millrace.release.waiting import obstacle
from millrace.settings import Settings
from millrace.workload import Workload


@dataclass(frozen=True)
class Candidate:
    """A registered candidate, with what its pull request tells.

    Attributes:
        workload: the workload as it is declared now: its serving and rollout sections count.
        registration: what the registry says of it.
        card: the card of its bundle.
        evaluation: what evaluation found in the run that proposes it.
        verdict: its gates in that run.
        window: time window of its records; empty if there is none.
        run: name of the run.
    """

    workload: Workload
    registration: Registration
    card: Card
    evaluation: Evaluation
    verdict: Verdict
    window: str = ""
    run: str = ""


def propose_release(
    candidate: Candidate, repository: Repository, forge: Forge, settings: Settings, *, now: float
) -> Proposal | None:
    """Propose a candidate by pull request and return it; None if it serves or is on trial.

    It may be called again at any time: the same bundle has one pull request for ever, and one that
    a person closed stays closed. While a rollout is under way, or a bundle is to be restored, it is
    a draft that says what it waits for.

    Args:
        candidate: what is proposed.
        repository: the deploy repository.
        forge: its pull requests.
        settings: where bundles lie and under which domain workloads answer.
        now: Unix time, seconds.

    Raises:
        DeployError: the deploy repository or its forge does not answer; running again proposes it.
        ReleaseError: the release folder says something that cannot be, or the workload's defaults
            are of no feature of the model.
    """
    try:
        return _proposed(candidate, repository, forge, site_of(settings), now)
    except DeployError as error:
        known = candidate.registration
        raise DeployError(
            f"{known.name} version {known.version} is registered but not yet proposed: "
            f"{error.problem}",
            where=error.where,
            found=error.found,
            expected=error.expected,
            remedy="; ".join(filter(None, [error.remedy, "then run again: that proposes it"])),
        ) from error


def _proposed(
    candidate: Candidate, repository: Repository, forge: Forge, site: Site, now: float
) -> Proposal | None:
    name = candidate.workload.name
    head = repository.head()
    files = repository.files(head, name)
    release = read_release(files, name) if has_release(files, name) else None
    arm = as_candidate(_ref(candidate.registration), candidate.card, release)
    if release is not None and arm.digest in present_bundles(release):
        return None
    branch = branch_of(name, arm, "release")
    known = forge.find(branch)
    if known is not None:
        return _told(known, "")
    _check_defaults(candidate)
    waits_for = obstacle(release, forge.pull_requests(name))
    changes = bring(_brought(candidate, arm), files, release, site, now=now)
    text = candidate_text(_facts(candidate, arm), release, site)
    made = forge.propose(
        branch,
        head,
        changes,
        title=text.title,
        body=with_note(text.body, waits_for),
        draft=bool(waits_for),
        known=0,
    )
    return _told(made, waits_for)


def _ref(known: Registration) -> ArmRef:
    name = arm_name(known.name, known.version)
    return ArmRef(version=known.version, digest=known.digest, name=name)


def _brought(candidate: Candidate, arm: Canary) -> Brought:
    spec = candidate.workload.spec
    return Brought(
        workload=candidate.workload.name,
        arm=arm,
        serving=spec.serving,
        rollout=spec.rollout,
        reason=f"proposed by run {candidate.run}" if candidate.run else "",
    )


def _check_defaults(candidate: Candidate) -> None:
    """See that defaults are of features that the model has: an arm that refuses them never starts.

    Raises:
        ReleaseError: one is not, or is no value of its feature's kind.
    """
    kinds = {one.name: one.kind for one in candidate.card.inputs}
    for name, value in candidate.workload.spec.serving.defaults.items():
        where = f"{candidate.workload.name}: spec.serving.defaults.{name}"
        if name not in kinds:
            raise ReleaseError(
                "the model has no such feature",
                where=where,
                expected=f"one of {', '.join(kinds)}",
                remedy=did_you_mean(name, kinds) or "remove it",
            )
        if isinstance(value, str) != (kinds[name] == "category"):
            raise ReleaseError(
                "is no value of this feature",
                where=where,
                found=repr(value),
                expected="text" if kinds[name] == "category" else "a number",
                remedy="mend it, then run again: that proposes it",
            )


def _facts(candidate: Candidate, arm: Canary) -> CandidateFacts:
    return CandidateFacts(
        workload=candidate.workload.name,
        arm=arm,
        card=candidate.card,
        evaluation=candidate.evaluation,
        verdict=candidate.verdict,
        serving=candidate.workload.spec.serving,
        rollout=candidate.workload.spec.rollout,
        uri=candidate.registration.uri,
        window=candidate.window,
        run=candidate.run,
    )


def _told(found: PullRequest, waits_for: str) -> Proposal:
    return Proposal(
        number=found.number,
        title=found.title,
        state=found.state,
        draft=found.draft,
        url=found.url,
        waits_for=waits_for,
    )
