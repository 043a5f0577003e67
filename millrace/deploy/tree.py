"""Make a commit out of changed files, without a checkout: a kill leaves but spare objects."""

from __future__ import annotations

import tempfile
from pathlib import Path

from millrace.deploy.base import Changes
from millrace.deploy.place import Place
from millrace.deploy.process import authorship
from millrace.errors import DeployError


def make_commit(
    place: Place,
    parents: list[str],
    tree: str,
    message: str,
    *,
    author: tuple[str, str] | None = None,
) -> str:
    """Return a commit of a tree.

    Args:
        place: where it is made.
        parents: the commits that it follows.
        tree: the tree.
        message: subject, an empty line, and what else there is to say.
        author: name and mail of who makes it; by default the person before the place, or Millrace.
    """
    extra = authorship(*author) if author else None
    flags = [flag for parent in parents for flag in ("-p", parent)]
    text = message.replace("\0", "").strip() + "\n"
    return _id(place.git("commit-tree", tree, *flags, content=text.encode(), extra=extra))


def changed_tree(place: Place, parent: str, changes: Changes) -> str:
    """Return the tree of a commit with some of its files changed.

    Args:
        place: where it is made.
        parent: the commit; empty for a tree of the changes alone.
        changes: content of files by path; None for one that goes.

    Raises:
        DeployError: a path cannot stand in a repository, or the disk does not take it.
    """
    for path in changes:
        if not _may_stand(path):
            raise DeployError("a path cannot stand in a repository", found=repr(path))
    with tempfile.TemporaryDirectory(prefix="millrace-") as folder:
        extra = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        if parent:
            place.git("read-tree", parent, extra=extra)
        blobs = _blobs(place, Path(folder), changes)
        gone = "0" * 40
        lines = [
            f"100644 {blobs[path]}\t{path}" if path in blobs else f"0 {gone}\t{path}"
            for path in changes
        ]
        content = "".join(f"{line}\0" for line in lines).encode()
        place.git("update-index", "-z", "--index-info", content=content, extra=extra)
        return _id(place.git("write-tree", extra=extra))


def _may_stand(path: str) -> bool:
    """Return whether git takes a path; it would leave out others without a word."""
    parts = path.split("/")
    plain = not any(part in ("", ".", "..") or part.lower() == ".git" for part in parts)
    return plain and not any(ord(sign) < 32 for sign in path)


def _blobs(place: Place, folder: Path, changes: Changes) -> dict[str, str]:
    """Write the new contents as objects and return them by path."""
    kept = {path: content for path, content in changes.items() if content is not None}
    files = [folder / f"{index}" for index in range(len(kept))]
    for file, content in zip(files, kept.values(), strict=True):
        file.write_bytes(content)
    names = "".join(f"{file}\n" for file in files).encode()
    told = place.git("hash-object", "-w", "--no-filters", "--stdin-paths", content=names)
    return dict(zip(kept, told.decode().split(), strict=True))


def _id(told: bytes) -> str:
    return told.decode().strip()
