"""Merge a proposed commit into the main branch, without a checkout: file by file.

A file is taken whole from the side that has changed it. Nothing is merged within a file, since two
changes of a route that fit line by line may still add up to no release. And no file is taken for
a renamed one, as `git merge-tree` would: the arms of a workload resemble each other.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from millrace.deploy.place import Place
from millrace.errors import ConflictError


def merged_tree(place: Place, main: str, head: str, number: int) -> str:
    """Return the tree of the main branch with what a pull request proposes.

    Args:
        place: where both are.
        main: commit of the main branch.
        head: commit that is proposed.
        number: the pull request, for the message.

    Raises:
        ConflictError: both have changed the same file, each to something else.
    """
    base = place.attempt("merge-base", main, head)
    if base.code == 1:
        raise _conflict(number, "no commit that both come from")
    if base.code != 0:
        raise place.fault(base)
    with tempfile.TemporaryDirectory(prefix="millrace-") as folder:
        extra = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        sides = (base.out.decode().strip(), main, head)
        place.git("read-tree", "-i", "-m", "--aggressive", *sides, extra=extra)
        told = place.git("ls-files", "-z", "--unmerged", extra=extra).decode(errors="replace")
        files = [entry.partition("\t")[2] for entry in told.split("\0") if entry]
        if files:
            raise _conflict(number, f"conflicts in {', '.join(dict.fromkeys(files))}")
        return place.git("write-tree", extra=extra).decode().strip()


def merge_message(number: int, title: str, body: str) -> str:
    """Return the message of the commit that merges a pull request."""
    return f"Merge pull request #{number}: {' '.join(title.split())}\n\n{body}"


def _conflict(number: int, found: str) -> ConflictError:
    return ConflictError(
        "it no longer applies: the main branch has changed the same since",
        where=f"pull request #{number}",
        found=found,
        remedy="close it and have it proposed again, or merge its branch by hand and push",
    )
