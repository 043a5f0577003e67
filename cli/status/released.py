"""What is released at one commit of the deploy repository, and since when it is so."""

from __future__ import annotations

from dataclasses import dataclass

from millrace.deploy import Repository
from millrace.release import Release, has_release, read_release
from serving.rollout.history import Reader


@dataclass(frozen=True)
class Released:
    """The deploy repository at a commit."""

    repository: Repository
    commit: str

    def release(self, workload: str) -> Release | None:
        """Return what is released of a workload; None if nothing is.

        Raises:
            ReleaseError: its folder says something that cannot be.
            DeployError: the deploy repository does not answer.
        """
        files = self.repository.files(self.commit, workload)
        return read_release(files, workload) if has_release(files, workload) else None

    def since(self, release: Release) -> float:
        """Return the Unix time at which a release's step or phase came to stand here, seconds.

        A pull request may be merged long after it was written, so this is the time of a commit,
        as for the rollout controller, and not what the files say.

        Raises:
            DeployError: the deploy repository does not answer.
        """
        return Reader(self.repository).history(self.commit, release).since
