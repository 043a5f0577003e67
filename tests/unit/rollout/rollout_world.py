"""A small world for the rollout controller: a repository, a forge, arms, traffic and a clock.

Repository and forge are in memory and keep the promises of millrace.deploy.base.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import millrace.release.changes as release_changes
import millrace.release.waiting as waiting_module
import serving.rollout.history as history_module
import serving.rollout.look as look_module
import serving.rollout.plans as plans_module
from millrace.analysis import Interval, Judgement, Limits
from millrace.deploy.base import Changes, Commit, FileChange, PullRequest
from millrace.errors import ConflictError, DeployError, MetricsError, RegistryError, ReleaseError
from millrace.release.arms import canary_arm
from millrace.release.changes import Files, applied, propose_candidate
from millrace.release.documents import ArmRef, Canary, Release
from millrace.release.layout import Site, arm_name, branch_of
from millrace.release.reading import read_release
from millrace.release.waiting import after_rollout, changes_between, obstacle, with_note
from millrace.release.writing import first_release
from millrace.workload.rollout import Rollout
from millrace.workload.serving import Serving
from serving.metrics.base import Sample

WORKLOAD = "churn"
SITE = Site()
START = 1_000_000.0


class Killed(BaseException):
    """The process is gone."""


@dataclass
class Clock:
    now: float = START

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Node:
    parents: tuple[str, ...]
    files: Mapping[str, bytes]
    time: float
    subject: str
    actor: str


@dataclass
class Pull:
    shown: PullRequest
    closed_by: str = ""
    pushed: bool = False


class Git:
    """Commits, the main branch and pull requests; a repository and a forge in one."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.actor = "person"
        self.nodes: dict[str, Node] = {"c0": Node((), {}, clock(), "Begin", "person")}
        self.main = "c0"
        self.pulls: dict[int, Pull] = {}

    # Repository

    def head(self) -> str:
        return self.main

    def files(self, commit: str, folder: str) -> dict[str, bytes]:
        tree = self.nodes[commit].files
        return {path: tree[path] for path in tree if path.startswith(f"{folder}/")}

    def folders(self, commit: str) -> list[str]:
        return sorted({path.partition("/")[0] for path in self.nodes[commit].files})

    def history(self, commit: str, path: str, *, since: float = 0.0) -> list[Commit]:
        found = []
        for name, node in self.line(commit):
            before = self.files(node.parents[0], path) if node.parents else {}
            if self.files(name, path) != before and node.time >= since:
                found.append(Commit(id=name, time=float(int(node.time)), subject=node.subject))
        return found

    def commit(self, parent: str, changes: Changes, message: str) -> str:
        if parent != self.main:
            raise ConflictError("the main branch has moved on")
        self.main = self._node((parent,), applied(self.nodes[parent].files, changes), message)
        return self.main

    def difference(self, head: str) -> tuple[list[FileChange], str]:
        raise NotImplementedError

    # Forge

    def pull_requests(self, workload: str = "", state: str = "open") -> list[PullRequest]:
        start = f"millrace/{workload}/" if workload else ""
        found = [one.shown for _, one in sorted(self.pulls.items(), reverse=True)]
        return [
            one for one in found if state in ("all", one.state) and one.branch.startswith(start)
        ]

    def look(self) -> tuple[str, list[PullRequest]]:
        return self.head(), self.pull_requests()

    def get(self, number: int) -> PullRequest:
        return self.pulls[number].shown

    def find(self, branch: str) -> PullRequest | None:
        found = [one.shown for one in self.pulls.values() if one.shown.branch == branch]
        return max(found, key=lambda one: one.number) if found else None

    def propose(
        self,
        branch: str,
        parent: str,
        changes: Changes,
        *,
        title: str,
        body: str,
        draft: bool = False,
        known: int | None = None,
    ) -> PullRequest:
        newest = self.find(branch)
        if newest is not None:
            unseen = known is not None and newest.number > known
            ahead = newest.state == "merged" and newest.head not in self.ancestors(parent)
            if newest.state == "open" or unseen or ahead:
                return newest
        head = self._node((parent,), applied(self.nodes[parent].files, changes), title)
        number = len(self.pulls) + 1
        shown = PullRequest(
            number=number,
            branch=branch,
            title=title,
            body=body,
            state="open",
            draft=draft,
            head=head,
            created=self.clock(),
        )
        self.pulls[number] = Pull(shown)
        return shown

    def update(
        self, number: int, parent: str, changes: Changes, *, title: str, body: str, draft: bool
    ) -> PullRequest:
        one = self._open(number)
        if one.pushed:
            raise ConflictError("a person has pushed to its branch")
        head = self._node((parent,), applied(self.nodes[parent].files, changes), title)
        told = {"head": head, "title": title, "body": body, "draft": draft}
        one.shown = one.shown.model_copy(update=told)
        return one.shown

    def merge(self, number: int) -> str:
        one = self._open(number)
        if one.shown.draft:
            raise ConflictError("it is a draft")
        head = one.shown.head
        base = next(name for name, _ in self.line(head) if name in self.ancestors(self.main))
        merged = self._merged(base, head)
        subject = f"Merge pull request #{number}"
        self.main = self._node((self.main, head), merged, subject)
        one.shown = one.shown.model_copy(update={"state": "merged"})
        return self.main

    def close(self, number: int, comment: str) -> None:
        if self.pulls[number].shown.state == "closed":
            return
        one = self._open(number)
        one.closed_by = self.actor
        one.shown = one.shown.model_copy(update={"state": "closed", "comment": comment})

    # what is beneath

    def line(self, commit: str) -> Iterator[tuple[str, Node]]:
        """First parents, newest first."""
        while True:
            node = self.nodes[commit]
            yield commit, node
            if not node.parents:
                return
            commit = node.parents[0]

    def ancestors(self, commit: str) -> set[str]:
        found, todo = set(), [commit]
        while todo:
            name = todo.pop()
            if name not in found:
                found.add(name)
                todo += self.nodes[name].parents
        return found

    def _merged(self, base: str, head: str) -> dict[str, bytes]:
        ours, theirs = self.nodes[self.main].files, self.nodes[head].files
        start = self.nodes[base].files
        merged = {}
        for path in {*ours, *theirs}:
            mine, other, old = ours.get(path), theirs.get(path), start.get(path)
            if mine != other and old not in (mine, other):
                raise ConflictError("it no longer applies")
            content = other if mine == old else mine
            if content is not None:
                merged[path] = content
        return merged

    def _node(self, parents: tuple[str, ...], files: Mapping[str, bytes], subject: str) -> str:
        name = f"c{len(self.nodes)}"
        self.nodes[name] = Node(parents, dict(files), self.clock(), subject, self.actor)
        return name

    def _open(self, number: int) -> Pull:
        one = self.pulls[number]
        if one.shown.state != "open":
            raise ConflictError(f"it is {one.shown.state} already")
        return one


class Fuse:
    """Kills the process before or after one of its next operations, or lets others come between."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.others: Callable[[], None] | None = None
        self.down = False

    def guard(self, inner: Any) -> Any:
        fuse = self

        class Guarded:
            def __getattr__(self, name: str) -> Any:
                method = getattr(inner, name)

                def call(*args: Any, **kwargs: Any) -> Any:
                    fuse.burn()
                    if fuse.down and inner.__class__ is Git:
                        raise DeployError("the deploy repository does not answer")
                    told = method(*args, **kwargs)
                    fuse.burn()
                    return told

                return call

        return Guarded()

    def burn(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                others, self.others, self.left = self.others, None, None
                if others is None:
                    raise Killed
                others()


@dataclass
class Arms:
    """Which arms run, and how well."""

    ready_ones: dict[str, str] = field(default_factory=dict)
    bad: set[str] = field(default_factory=set)

    def ready(self, arm: str, digest: str) -> bool:
        return self.ready_ones.get(arm) == digest


@dataclass
class Gateway:
    """Splits traffic as Git says once the arms are ready, and counts answers."""

    clock: Clock
    arms: Arms
    rate: int = 40
    weights: dict[str, int] = field(default_factory=dict)
    counted: dict[tuple[str, str], int] = field(default_factory=dict)
    log: list[Sample] = field(default_factory=list)
    process: int = 1
    lost: bool = False
    unscraped: bool = False

    def serve(self, weights: Mapping[str, int], seconds: float) -> None:
        if all(arm in self.arms.ready_ones for arm, weight in weights.items() if weight):
            self.weights = dict(weights)
        for arm, weight in self.weights.items():
            answered = round(self.rate * seconds * weight / 100)
            failed = answered // 2 if arm in self.arms.bad else 0
            for counter, amount in [
                ("requests", answered),
                ("errors", failed),
                ("fast", answered - failed),
            ]:
                key = (arm, counter)
                self.counted[key] = self.counted.get(key, 0) + amount

    def scrape(self) -> None:
        if not self.unscraped:
            self.log += [
                Sample(self.clock(), arm, f"envoy/{self.process}", counter, value)
                for (arm, counter), value in self.counted.items()
            ]

    def restart(self) -> None:
        self.process += 1
        self.counted = dict.fromkeys(self.counted, 0)

    def samples(self, arms: Sequence[str], since: float, until: float) -> list[Sample]:
        if self.lost:
            raise MetricsError("the log of metrics does not do as asked")
        return [one for one in self.log if one.arm in arms and since <= one.time <= until]


@dataclass
class Registry:
    champion: str = ""
    down: bool = False

    def promote(self, name: str, digest: str) -> None:
        if self.down:
            raise RegistryError("the registry does not answer")
        self.champion = digest


def plain_judge(
    intervals: Sequence[Interval], limits: Limits, *, since: float, last: bool
) -> Judgement:
    """Judge by shares: quick, and of the same form as the real one."""
    with_data = [one for one in intervals if one.stable.requests and one.canary.requests]
    here = [one for one in with_data if one.start >= since]
    requests = sum(one.canary.requests for one in with_data)
    errors = sum(one.canary.errors for one in with_data)
    samples = sum(one.canary.requests for one in here)
    verdict, reason = ("promote" if last else "advance"), "no worse"
    if requests and errors / requests > 0.1:
        verdict, reason = "roll back", "errors are beyond the tolerance"
    elif not here:
        verdict, reason = "inconclusive", "no requests of both arms at this step"
    elif samples < limits.min_samples:
        verdict, reason = "hold", "too few requests at this step"
    return Judgement(
        verdict=verdict, reason=reason, samples=samples, indicators=[], intervals=len(with_data)
    )


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


def bring(git: Git, canary: Canary, *, rollout: Rollout | None = None) -> PullRequest:
    """Propose a canary as `millrace run` and `millrace rollback` do."""
    files = git.files(git.main, WORKLOAD)
    release = read_release(files, WORKLOAD)
    branch = branch_of(WORKLOAD, canary, canary.purpose)
    waits_for = ""
    if canary.purpose == "release":
        waits_for = obstacle(release, git.pull_requests(WORKLOAD), branch)
    free_files, free = after_rollout(files, release, now=0.0)
    made = propose_candidate(
        free_files,
        free,
        canary,
        canary_arm(free_files, free, canary, Serving(), SITE),
        serving=Serving(),
        rollout=rollout or free.rollout,
        now=0.0,
    )
    return git.propose(
        branch,
        git.main,
        changes_between(files, free_files, made),
        title=f"{canary.purpose} {canary.name}",
        body=with_note("evidence", waits_for),
        draft=bool(waits_for),
        known=0,
    )


def remembered(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of a release folder that computes each answer once, whatever the time."""
    known: dict[Any, Any] = {}

    def call(files: Files, *args: Any, **kwargs: Any) -> Any:
        kwargs = {key: 0.0 if key == "now" else value for key, value in kwargs.items()}
        key = (frozenset(files.items()), repr(args), repr(kwargs))
        if key not in known:
            try:
                known[key] = (function(files, *args, **kwargs), None)
            except ReleaseError as error:
                known[key] = (None, error)
        told, error = known[key]
        if error is not None:
            raise error
        return told

    return call


def remember(patch: Callable[[Any, str, Any], None]) -> None:
    """Read and write each release folder once; times in the files do not matter to us."""
    here = sys.modules[__name__]
    for module in (history_module, look_module, waiting_module, here):
        patch(module, "read_release", remembered(read_release))
    for module in (waiting_module, here):
        patch(module, "propose_candidate", remembered(propose_candidate))
    first = first_release

    def once(workload: str, ref: ArmRef, *args: Any, **kwargs: Any) -> Changes:
        known = remembered(lambda files, *more, **named: first(workload, ref, *more, **named))
        return firsts.setdefault(repr((workload, ref, args)), known)({}, *args, **kwargs)

    firsts: dict[str, Callable[..., Any]] = {}
    patch(here, "first_release", once)
    patch(here, "canary_arm", remembered(canary_arm))
    patch(waiting_module, "without_canary", remembered(release_changes.without_canary))
    for verb in ("advance", "promote", "roll_back", "finish_promotion", "finish_roll_back"):
        patch(release_changes, verb, remembered(getattr(release_changes, verb)))
    quick = {
        verb: getattr(release_changes, verb.replace(" ", "_")) for verb in plans_module._CHANGES
    }
    patch(plans_module, "_CHANGES", quick)


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
