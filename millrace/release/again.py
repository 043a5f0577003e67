"""Propose a candidate once more: one that was refused, or whose trial is over."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from millrace.deploy.base import Forge, PullRequest, Repository
from millrace.errors import ReleaseError
from millrace.registry.bundle import read_card
from millrace.registry.published import open_bundle
from millrace.release.bringing import Brought, as_candidate, bring, present_bundles
from millrace.release.documents import ArmRef, Release
from millrace.release.evidence import read_trailer
from millrace.release.history import serving_arm
from millrace.release.layout import Site, has_release
from millrace.release.notes import proposed_again, with_note
from millrace.release.reading import read_release
from millrace.release.waiting import obstacle
from millrace.storage import Store

_CANDIDATE = re.compile(r"millrace/([^/]+)/[0-9a-f]{12}/release")


@dataclass(frozen=True)
class Desk:
    """Where candidates are proposed, and where their bundles lie."""

    repository: Repository
    forge: Forge
    store: Store
    site: Site


def propose_again(number: int, desk: Desk, *, reason: str = "", now: float) -> PullRequest:
    """Propose what a settled pull request of a candidate proposed, and return the new one.

    It comes on top of what serves by now. One that was merged brings the `serving` and `rollout`
    that the main branch has by now, since people may have mended those; one that was closed, its
    own. The text is that of then, with a note on top.

    Args:
        number: the settled pull request's.
        desk: where it is proposed.
        reason: why, for people.
        now: Unix time, seconds.

    Raises:
        ReleaseError: it brought no candidate, is open, or its bundle serves or has been overtaken.
        StoreError: the bundle is not in the store, or damaged.
        DeployError: the deploy repository or its forge does not answer.
    """
    past = desk.forge.get(number)
    workload = _settled(past)
    head = desk.repository.head()
    files = desk.repository.files(head, workload)
    release = read_release(files, workload) if has_release(files, workload) else None
    proposed = read_release(desk.repository.files(past.head, workload), workload)
    opened = desk.forge.pull_requests(workload)
    arm = proposed.canary or proposed.stable
    _may_come(past, arm, release, opened)
    with tempfile.TemporaryDirectory() as scratch:
        card = read_card(open_bundle(desk.store, arm.digest, Path(scratch)))
    candidate = as_candidate(arm, card, release)
    like = release if release is not None and past.state == "merged" else proposed
    brought = Brought(workload, candidate, like.serving, like.rollout, reason)
    serves = serving_arm(release).name if release else ""
    body = proposed_again(
        past.body, past.number, serves, reason, compared=candidate.score_distance is not None
    )
    waits_for = obstacle(release, opened)
    return desk.forge.propose(
        past.branch,
        head,
        bring(brought, files, release, desk.site, now=now),
        title=past.title,
        body=with_note(body, waits_for),
        draft=bool(waits_for),
    )


def _settled(past: PullRequest) -> str:
    """Return the workload whose candidate a settled pull request brought."""
    found = _CANDIDATE.fullmatch(past.branch)
    if found is None:
        raise ReleaseError(
            "it brought no candidate",
            where=_where(past),
            found=past.title,
            remedy="those that did: `millrace pr list --state all`, titled Release",
        )
    if past.state == "open":
        raise ReleaseError(
            "it is open",
            where=_where(past),
            remedy=f"merge it: `millrace pr merge {past.number}`",
        )
    return found[1]


def _may_come(
    past: PullRequest, arm: ArmRef, release: Release | None, opened: list[PullRequest]
) -> None:
    """See that a candidate would not be superseded at once."""
    if release is not None:
        _may_stand_beside(past, arm, release)
    for one in opened:
        told = read_trailer(one.body)
        if _CANDIDATE.fullmatch(one.branch) and told is not None and told.version > arm.version:
            raise ReleaseError(
                f"version {told.version} is proposed and is newer than version {arm.version}",
                where=_where(past),
                found=f"pull request #{one.number}",
                remedy=f"close that first: `millrace pr close {one.number}`",
            )


def _may_stand_beside(past: PullRequest, arm: ArmRef, release: Release) -> None:
    serving = serving_arm(release)
    if arm.digest in present_bundles(release):
        where = "serves" if arm.digest == serving.digest else "is on trial"
        raise ReleaseError(
            f"version {arm.version} {where} already",
            where=_where(past),
            remedy=f"see `millrace status {release.workload}`",
        )
    if serving.version > arm.version:
        raise ReleaseError(
            f"version {serving.version} serves and is newer than version {arm.version}",
            where=_where(past),
            remedy=f"to let it serve without a trial: `millrace rollback {release.workload} "
            f"--to {arm.version}`",
        )


def _where(past: PullRequest) -> str:
    return f"pull request #{past.number}"
