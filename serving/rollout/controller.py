"""The rollout controller: look, decide, act, for each workload, and tell people.

It keeps nothing that it could not find again: it can be killed at any moment and run twice at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from millrace.deploy.base import Forge, PullRequest, Repository
from millrace.errors import ConflictError, MillraceError
from millrace.release.documents import Release
from millrace.release.layout import Site
from serving.metrics.base import MetricsSource
from serving.rollout.act import Actor, Met
from serving.rollout.actions import Nothing
from serving.rollout.champions import Champions, Registry
from serving.rollout.decide import decide
from serving.rollout.evidence import SETTLING, Evidence, Judge
from serving.rollout.look import Lookout
from serving.rollout.readiness import Readiness
from serving.rollout.seen import Seen
from serving.rollout.status import RolloutStatus

_LOG = structlog.get_logger("rollout")


@dataclass(frozen=True)
class World:
    """All that the controller sees and touches.

    Attributes:
        repository: the deploy repository.
        forge: its pull requests.
        metrics: what was counted.
        readiness: which arms are ready.
        registry: where the champion is named.
        judge: what the evidence says of a canary.
        site: where bundles lie.
        clock: Unix time, seconds.
        settling: seconds from a commit to the split that it asks for, at most.
        tell: takes what people are to see of a workload.
    """

    repository: Repository
    forge: Forge
    metrics: MetricsSource
    readiness: Readiness
    registry: Registry
    judge: Judge
    site: Site
    clock: Callable[[], float]
    tell: Callable[[RolloutStatus], None]
    settling: float = SETTLING


class Controller:
    """One instance; any number may run at once.

    Attributes:
        looked: whether the deploy repository answered in the last round.
        failures: by what they were about, how many there were since the start.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._lookout = Lookout(world.repository, world.forge)
        self._champions = Champions(world.registry, world.clock)
        self._actor = Actor(
            world.repository, world.forge, world.site, self._champions.promote, world.clock
        )
        self._evidence: dict[str, Evidence] = {}
        self._met: dict[str, Met] = {}
        self._said: dict[tuple[str, str], str] = {}
        self.looked = False
        self.failures: Counter[str] = Counter(repository=0, workload=0, metrics=0)

    @property
    def asked(self) -> float:
        """Return the seconds that the deploy repository took to answer, the last time it did."""
        return self._lookout.asked

    def round(self) -> bool:
        """Look at everything once and do what is to be done; return whether something changed."""
        try:
            head, workloads, pulls = self._lookout.look()
        except MillraceError as error:
            self._say("", "deploy_repository_failed", str(error))
            self.failures["repository"] += 1
            self.looked = False
            return False
        self.looked = True
        self._say("", "deploy_repository_failed", "")
        changed = [self._workload(name, head, pulls) for name in workloads]
        return any(changed)

    def _workload(self, workload: str, head: str, pulls: Sequence[PullRequest]) -> bool:
        """Do what is to be done for one workload; its faults are its own."""
        try:
            changed = self._step(workload, head, pulls)
        except ConflictError as error:
            _LOG.info("conflict", workload=workload, problem=str(error))
        except MillraceError as error:
            self._fault(workload, str(error))
        except Exception as error:  # a fault of ours must not stop the other workloads
            self._fault(workload, f"the controller failed: {error!r}")
            _LOG.exception("controller_failed", workload=workload)
        else:
            self._say(workload, "workload_failed", "")
            return changed
        return False

    def _step(self, workload: str, head: str, pulls: Sequence[PullRequest]) -> bool:
        seen = self._see(workload, head, pulls)
        actions = decide(seen)
        self._tell(seen, actions[-1].reason)
        changed = False
        for action in actions:
            if self._actor.act(workload, action, head, self._met[workload]):
                changed = True
                kind = type(action).__name__.lower()
                _LOG.info("acted", workload=workload, action=kind, reason=action.reason)
        idle = isinstance(actions[-1], Nothing)
        self._say(workload, "waiting", actions[-1].reason if idle else "")
        return changed

    def _see(self, workload: str, head: str, pulls: Sequence[PullRequest]) -> Seen:
        world, now = self._world, self._world.clock()
        release, history = self._lookout.release(head, workload)
        evidence = self._evidence.setdefault(
            workload, Evidence(world.metrics, world.judge, world.clock, world.settling)
        )
        judged = evidence.judged(release, history, now)
        self._say(workload, "metrics_failed", judged.problem)
        self.failures["metrics"] += bool(judged.problem)
        met = self._met.setdefault(workload, Met())
        return Seen(
            files=self._lookout.files(head, workload),
            release=release,
            history=history,
            proposals=self._lookout.proposals(pulls, workload, history.newest),
            over=met.over,
            stuck=frozenset(met.stuck),
            refused={head: refusal.words for head, refusal in met.refused.items()},
            theirs=frozenset(met.theirs),
            ready=self._ready(release),
            judged=judged,
            champion=self._champions.of(workload),
            now=now,
        )

    def _ready(self, release: Release) -> frozenset[str]:
        arms = [release.stable, *([release.canary] if release.canary else [])]
        ready = self._world.readiness.ready
        return frozenset(arm.name for arm in arms if ready(arm.name, arm.digest))

    def _tell(self, seen: Seen, reason: str) -> None:
        release, judgement = seen.release, seen.judged.judgement
        self._world.tell(
            RolloutStatus(
                workload=release.workload,
                phase=release.position.phase,
                step=release.position.step,
                steps=len(release.rollout.steps),
                since=seen.history.since,
                started=seen.history.started,
                canary=release.canary.name if release.canary else "",
                weight=release.weights[release.canary.name] if release.canary else 0,
                verdict=judgement.verdict if judgement else "",
                reason=reason,
                judgement=judgement,
                blank=seen.judged.blank,
                written=seen.now,
            )
        )

    def _fault(self, workload: str, problem: str) -> None:
        self._say(workload, "workload_failed", problem)
        self.failures["workload"] += 1
        self._world.tell(broken(workload, problem, self._world.clock()))

    def _say(self, workload: str, event: str, text: str) -> None:
        """Log what goes on once, not each second; an empty text ends it."""
        if self._said.get((workload, event), "") == text:
            return
        self._said[workload, event] = text
        if text:
            log = _LOG.warning if event.endswith("failed") else _LOG.info
            log(event, reason=text, **({"workload": workload} if workload else {}))


def broken(workload: str, problem: str, now: float) -> RolloutStatus:
    """Return the status of a workload that cannot be looked after."""
    return RolloutStatus(
        workload=workload,
        phase=None,
        step=-1,
        steps=0,
        since=0.0,
        started=0.0,
        canary="",
        verdict="",
        reason=problem,
        written=now,
    )
