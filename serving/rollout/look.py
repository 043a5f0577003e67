"""Look at the deploy repository: what it is cheap to know is read anew, the rest once a commit."""

from __future__ import annotations

import time
from collections.abc import Sequence

from millrace.deploy.base import Forge, PullRequest, Repository
from millrace.release.documents import Release
from millrace.release.layout import has_release
from millrace.release.reading import read_release
from serving.rollout.history import History, Reader
from serving.rollout.own import is_intent
from serving.rollout.seen import Proposal

_KEPT = 2000
"""Pull requests of which it is kept how they stand to what main says."""


class Lookout:
    """What Git and the forge say, for all workloads.

    Attributes:
        asked: seconds that the last look took to be answered.
    """

    def __init__(self, repository: Repository, forge: Forge) -> None:
        self._repository = repository
        self._forge = forge
        self._reader = Reader(repository)
        self.asked = 0.0
        self._head = ""
        self._workloads: list[str] = []
        self._histories: dict[str, History] = {}
        self._stands: dict[tuple[str, str, str], tuple[bool, float]] = {}

    def look(self) -> tuple[str, list[str], list[PullRequest]]:
        """Return the newest commit, the workloads with a release, and all open pull requests.

        Raises:
            DeployError: the deploy repository or its forge does not answer.
        """
        began = time.monotonic()
        head, pulls = self._forge.look()
        self.asked = time.monotonic() - began
        if head != self._head:
            folders = self._repository.folders(head)
            self._workloads = [
                name for name in folders if has_release(self.files(head, name), name)
            ]
            self._histories = {}
            self._head = head
        return head, self._workloads, pulls

    def files(self, commit: str, workload: str) -> dict[str, bytes]:
        """Return a workload's folder at a commit."""
        return self._repository.files(commit, workload)

    def release(self, head: str, workload: str) -> tuple[Release, History]:
        """Return a workload's release on main, and the way of its canary.

        Raises:
            ReleaseError: its folder says something that cannot be.
            DeployError: the deploy repository does not answer.
        """
        release = self._reader.release(head, workload)
        if release is None:
            release = read_release(self.files(head, workload), workload)
        if workload not in self._histories:
            self._histories[workload] = self._reader.history(head, release)
        return release, self._histories[workload]

    def proposals(self, pulls: Sequence[PullRequest], workload: str, newest: str) -> list[Proposal]:
        """Return a workload's open pull requests, newest first.

        Args:
            pulls: all open ones.
            workload: name of the workload.
            newest: newest commit on main that changed its folder.
        """
        own = [one for one in pulls if one.branch.startswith(f"millrace/{workload}/")]
        own.sort(key=lambda one: one.number, reverse=True)
        return [self._proposal(one, workload, newest) for one in own]

    def _proposal(self, pull: PullRequest, workload: str, newest: str) -> Proposal:
        key = (pull.head, workload, newest)
        if len(self._stands) > _KEPT:
            self._stands.clear()
        if key not in self._stands:
            held = self._repository.history(pull.head, workload)
            made = held[0].time if held else pull.created
            self._stands[key] = (any(commit.id == newest for commit in held), made)
        current, made = self._stands[key]
        files = self.files(pull.head, workload) if is_intent(pull) else {}
        return Proposal(pull, current, made, files, self._reader.release(pull.head, workload))
