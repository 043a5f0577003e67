"""Pull requests of the local forge: refs/millrace/pulls/NUMBER is a commit that holds the record.

Each change of a record is a commit on top of the one before, and has the proposed commit as second
parent, so that Git keeps what was proposed once its branch is gone.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

from millrace.deploy.base import PullRequest
from millrace.deploy.objects import read_blobs
from millrace.deploy.place import PLATFORM, PULLS, Place
from millrace.deploy.tree import changed_tree, make_commit
from millrace.errors import DeployError

_RECORD = "pull.json"
_BODY = "body.md"


class Records:
    """The records of one deploy repository; those read once are kept, as a commit never changes."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._read: dict[str, PullRequest] = {}

    def all(self, refs: Mapping[str, str]) -> dict[int, PullRequest]:
        """Return every record as it was written, by number, the newest first.

        Raises:
            DeployError: a record cannot be read.
        """
        commits = {
            int(name.removeprefix(PULLS)): commit
            for name, commit in refs.items()
            if name.startswith(PULLS) and name.removeprefix(PULLS).isdigit()
        }
        new = [commit for commit in commits.values() if commit not in self._read]
        names = [f"{commit}:{file}" for commit in new for file in (_RECORD, _BODY)]
        contents = read_blobs(self._place, names)
        for commit, record, body in zip(new, contents[::2], contents[1::2], strict=True):
            self._read[commit] = self._parsed(record, body, commit)
        self._read = {commit: self._read[commit] for commit in commits.values()}
        return {number: self._read[commits[number]] for number in sorted(commits, reverse=True)}

    def write(self, record: PullRequest, before: str | None) -> str:
        """Return a commit that holds a record; no ref names it yet.

        Args:
            record: the pull request.
            before: the commit that held it before, if there was one.
        """
        said = record.model_copy(update={"body": _BODY}).model_dump_json(indent=2) + "\n"
        files = {_RECORD: said.encode(), _BODY: record.body.encode()}
        tree = changed_tree(self._place, "", files)
        parents = [*([before] if before else []), record.head]
        message = f"Pull request #{record.number} is {record.state}: {record.title}"
        return make_commit(self._place, parents, tree, message, author=PLATFORM)

    def _parsed(self, record: bytes | None, body: bytes | None, commit: str) -> PullRequest:
        try:
            read = PullRequest.model_validate_json(record or b"")
        except ValidationError as error:
            raise DeployError(
                "the record of a pull request cannot be read",
                where=f"{self._place.where} at {commit[:12]}:{_RECORD}",
                found=error.errors()[0]["msg"],
                remedy=f"remove the ref under {PULLS} that names it",
            ) from error
        return read.model_copy(update={"body": (body or b"").decode(errors="replace")})
