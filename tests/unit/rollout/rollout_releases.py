"""Releases and candidates of one workload, as the commands bring them."""

from __future__ import annotations

from typing import Any

from rollout_git import Git

from millrace.deploy.base import PullRequest
from millrace.release.arms import canary_arm
from millrace.release.changes import propose_candidate, roll_back
from millrace.release.documents import ArmRef, Canary, Release
from millrace.release.layout import Site, arm_name, branch_of
from millrace.release.notes import with_note
from millrace.release.reading import read_release
from millrace.release.waiting import after_rollout, changes_between, obstacle
from millrace.release.writing import first_release
from millrace.workload.rollout import Rollout
from millrace.workload.serving import Serving

WORKLOAD = "churn"
SITE = Site()


def arm(version: int) -> ArmRef:
    digest = f"{version:x}".rjust(64, "0")[::-1]
    return ArmRef(version=version, digest=digest, name=arm_name(WORKLOAD, version))


def candidate(version: int, **more: Any) -> Canary:
    return Canary(**arm(version).model_dump(), **more)


def begin(git: Git, rollout: Rollout, workload: str = WORKLOAD) -> None:
    """Commit a first release: version 7."""
    ref = arm(7).model_copy(update={"name": arm_name(workload, 7)})
    made = first_release(workload, ref, Serving(), rollout, SITE, now=git.clock())
    git.commit(git.main, made, "First release")


def release_at(git: Git, commit: str = "", workload: str = WORKLOAD) -> Release:
    return read_release(git.files(commit or git.main, workload), workload)


def bring(git: Git, canary: Canary, *, again: bool = False) -> PullRequest:
    """Propose a canary as `millrace run`, `millrace rollback` and `millrace pr again` do."""
    files = git.files(git.main, WORKLOAD)
    release = read_release(files, WORKLOAD)
    branch = branch_of(WORKLOAD, canary, canary.purpose)
    waits_for = ""
    if canary.purpose == "release":
        waits_for = obstacle(release, git.pull_requests(WORKLOAD))
    free_files, free = after_rollout(files, release, now=git.clock())
    made = propose_candidate(
        free_files,
        free,
        canary,
        canary_arm(free_files, free, canary, Serving(), SITE),
        serving=Serving(),
        rollout=free.rollout,
        now=git.clock(),
    )
    return git.propose(
        branch,
        git.main,
        changes_between(files, free_files, made),
        title=f"{canary.purpose} {canary.name}",
        body=with_note("evidence", waits_for),
        draft=bool(waits_for),
        known=None if again else 0,
    )


def take_off_trial(git: Git) -> PullRequest:
    """Propose to roll the canary back, as `millrace rollback` does."""
    release = release_at(git)
    assert release.canary is not None
    branch = branch_of(WORKLOAD, release.canary, "roll back", step=release.position.step)
    number, name = 1, branch
    while (known := git.find(name)) is not None and known.state != "open":
        number += 1
        name = f"{branch}-{number}"
    changes = roll_back(
        git.files(git.main, WORKLOAD), release, now=git.clock(), reason="a person asks"
    )
    return git.propose(name, git.main, changes, title="Roll back", body="a person asks")


def with_weights(git: Git, weight: int) -> dict[str, bytes]:
    """Return the workload's files with the canary's weight edited by hand."""
    release = release_at(git)
    assert release.canary is not None
    path = f"{WORKLOAD}/route.yaml"
    lines = git.files(git.main, WORKLOAD)[path].decode().splitlines(keepends=True)
    here = ""
    for index, line in enumerate(lines):
        if "-predictor" in line:
            here = line.split("name:")[1].strip().removesuffix("-predictor")
        if "weight:" in line:
            value = weight if here == release.canary.name else 100 - weight
            lines[index] = f"{line.split('weight:')[0]}weight: {value}\n"
    return {path: "".join(lines).encode()}
