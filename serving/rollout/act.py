"""Do what was decided: one change of the deploy repository an action, by compare and swap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from millrace.deploy.base import Forge, PullRequest, Repository
from millrace.errors import BranchTakenError, ConflictError, MergeRefusedError
from millrace.release.layout import Site
from millrace.release.settling import settle_candidate
from serving.rollout.actions import (
    Action,
    Close,
    Commit,
    Merge,
    Nothing,
    Promote,
    Propose,
    Settle,
    Update,
)

AGAIN = 60.0
"""Seconds after which a forge that refused a merge is asked again."""


@dataclass(frozen=True)
class Refusal:
    """What a forge said when it refused a merge, and the Unix time from which it is asked again."""

    words: str
    again: float


@dataclass
class Met:
    """What was met while acting, which no look at main and open pull requests would show.

    It is a memory, not a state: a controller that begins without it meets the same again.

    Attributes:
        over: by branch, the newest pull request that is merged or closed.
        stuck: heads of pull requests that did not apply to the main branch any more.
        refused: by head, what the forge said when it refused a merge that would have applied.
        theirs: heads of pull requests that could not be changed: a person pushed to the branch.
    """

    over: dict[str, PullRequest] = field(default_factory=dict)
    stuck: set[str] = field(default_factory=set)
    refused: dict[str, Refusal] = field(default_factory=dict)
    theirs: set[str] = field(default_factory=set)


class Actor:
    """Does actions against the deploy repository, its forge and the model registry."""

    def __init__(
        self,
        repository: Repository,
        forge: Forge,
        site: Site,
        promote: Callable[[str, str], bool],
        clock: Callable[[], float],
    ) -> None:
        """Keep what actions are done to.

        Args:
            repository: the deploy repository.
            forge: its pull requests.
            site: where bundles lie.
            promote: makes a workload's bundle the registry's champion; False if it is not the time
                to try.
            clock: Unix time, seconds.
        """
        self._repository = repository
        self._forge = forge
        self._site = site
        self._promote = promote
        self._clock = clock

    def act(self, workload: str, action: Action, head: str, met: Met) -> bool:
        """Do one action; return whether something changed, so that it is time to look again.

        Args:
            workload: whose action it is.
            action: what to do.
            head: commit of the main branch that the decision was made from.
            met: what was met so far; added to.

        Raises:
            ConflictError: somebody else changed something in the meantime; nothing was changed.
            DeployError: the deploy repository or its forge does not answer.
        """
        match action:
            case Nothing():
                return False
            case Promote():
                return self._promote(workload, action.digest)
            case Settle():
                return self._settle(workload, action, met)
            case Merge():
                return self._merge(action, met)
            case Commit():
                self._repository.commit(head, action.changes, action.message)
            case _:
                self._ask(action, head, met)
        return True

    def _ask(self, action: Propose | Update | Close, head: str, met: Met) -> None:
        match action:
            case Propose():
                self._propose(action, head, met)
            case Update():
                self._update(action, head, met)
            case Close():
                self._forge.close(action.number, action.reason)

    def _propose(self, action: Propose, head: str, met: Met) -> None:
        pull = self._forge.propose(
            action.branch,
            head,
            action.changes,
            title=action.title,
            body=action.body,
            known=action.known,
        )
        if pull.state != "open":
            met.over[action.branch] = pull

    def _settle(self, workload: str, action: Settle, met: Met) -> bool:
        try:
            changed = settle_candidate(
                workload, action.number, self._repository, self._forge, self._site
            )
        except BranchTakenError:
            met.theirs.add(action.head)
            raise
        return changed is not None

    def _update(self, action: Update, head: str, met: Met) -> None:
        try:
            self._forge.update(
                action.number,
                head,
                action.changes,
                title=action.title,
                body=action.body,
                draft=action.draft,
            )
        except BranchTakenError:
            met.theirs.add(action.head)
            raise

    def _merge(self, action: Merge, met: Met) -> bool:
        """Merge; a refusal leaves everything as it is, and another try comes later."""
        refusal = met.refused.get(action.head)
        if refusal is not None and self._clock() < refusal.again:
            return False
        try:
            self._forge.merge(action.number)
        except MergeRefusedError as error:
            met.refused[action.head] = Refusal(str(error), self._clock() + AGAIN)
            return False
        except ConflictError:
            met.stuck.add(action.head)
            raise
        return True
