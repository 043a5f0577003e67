"""The deploy repository by plain Git."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from millrace.deploy.base import Changes, Commit, FileChange
from millrace.deploy.objects import tree_files
from millrace.deploy.place import HEADS, MAIN, Move, Place
from millrace.deploy.tree import changed_tree, make_commit
from millrace.errors import ConflictError, DeployError

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_PACKED = re.compile(rf"^({_COMMIT.pattern}) {MAIN}$", re.MULTILINE)
_KEPT = 64
"""Answers about commits that are kept in memory: a commit never changes."""
_README = """\
# Deploy repository

What serves, workload by workload: each folder at the root holds the arms of one workload, the
route with their weights, and where its rollout is. The branch `main` is what is made so; branches
`millrace/WORKLOAD/...` are pull requests. Millrace writes here, and people by merging or closing
pull requests (`millrace pr list`).
"""

T = TypeVar("T")


class GitRepository:
    """A deploy repository in a folder of this machine or on a server."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._answers: OrderedDict[Hashable, Any] = OrderedDict()

    def head(self) -> str:
        """Return the newest commit of the main branch, fetched now."""
        return self._head_file() or main_of(self._place, self._place.refs())

    def files(self, commit: str, folder: str) -> dict[str, bytes]:
        """Return the content of every file under a folder, by path from the repository's root."""

        def read() -> dict[str, bytes]:
            self._place.obtain(commit)
            return tree_files(self._place, commit, folder)

        return dict(self._once(("files", commit, folder), read))

    def folders(self, commit: str) -> list[str]:
        """Return the folders at the root, sorted, without those that begin with `.`."""

        def read() -> list[str]:
            self._place.obtain(commit)
            told = self._place.git("ls-tree", "-d", "-z", "--name-only", "--full-tree", commit)
            names = told.decode(errors="replace").split("\0")
            return sorted(name for name in names if name and not name.startswith("."))

        return list(self._once(("folders", commit), read))

    def history(self, commit: str, path: str, *, since: float = 0.0) -> list[Commit]:
        """Return the first-parent commits up to `commit` that changed a path, the newest first."""

        def read() -> list[Commit]:
            self._place.obtain(commit)
            told = self._place.git(
                *("log", "--first-parent", "-z", "--format=%H %ct %s", commit),
                *(("--", path) if path else ()),
            )
            entries = told.decode(errors="replace").split("\0")
            parts = [entry.split(" ", 2) for entry in entries if entry]
            return [Commit(id=p[0], time=float(p[1]), subject=p[2]) for p in parts]

        return [one for one in self._once(("history", commit, path), read) if one.time >= since]

    def commit(self, parent: str, changes: Changes, message: str) -> str:
        """Put a commit on top of `parent` as the main branch's head, and return it.

        Raises:
            ConflictError: the main branch is no longer at `parent`; nothing was changed.
        """
        place = self._place
        place.obtain(parent)
        made = make_commit(place, [parent], changed_tree(place, parent, changes), message)
        if not place.update([Move(MAIN, parent, made)]):
            raise ConflictError(
                "the main branch has moved on in the meantime",
                where=place.where,
                remedy="run again",
            )
        return made

    def difference(self, head: str) -> tuple[list[FileChange], str]:
        """Return what a proposed commit changes: by file, and as a unified diff."""
        place = self._place
        main = self.head()
        place.obtain(main)
        place.obtain(head)
        merged = is_merged(place, head, main)
        base = f"{head}^" if merged else place.git("merge-base", main, head).decode().strip()
        compare = ("diff-tree", "-r", "--no-renames", "--no-ext-diff", "--no-textconv", base, head)
        kinds = place.git(*compare, "-z", "--name-status").decode(errors="replace").split("\0")
        counts = place.git(*compare, "-z", "--numstat").decode(errors="replace").split("\0")
        text = place.git(*compare, "-p", "-U1").decode(errors="replace")
        by_path = dict(zip(kinds[1::2], kinds[::2], strict=False))
        return [_file_change(entry, by_path) for entry in counts if entry], text

    def _head_file(self) -> str | None:
        """Return the main branch by the files that keep it: the platform asks ten times a second.

        A loose ref holds over a packed one. None if it is kept otherwise, in a table or on a
        server.
        """
        if self._place.cache:
            return None
        try:
            loose = (self._place.folder / MAIN).read_text(encoding="ascii").strip()
            return loose if _COMMIT.fullmatch(loose) else None
        except (OSError, UnicodeDecodeError):
            pass
        try:
            packed = (self._place.folder / "packed-refs").read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None
        found = _PACKED.search(packed)
        return found[1] if found else None

    def _once(self, key: Hashable, read: Callable[[], T]) -> T:
        """Return what was read before under a key, or read it."""
        if key not in self._answers:
            self._answers[key] = read()
        self._answers.move_to_end(key)
        while len(self._answers) > _KEPT:
            self._answers.popitem(last=False)
        found: T = self._answers[key]
        return found


def main_of(place: Place, refs: dict[str, str]) -> str:
    """Return the commit of the main branch; an empty repository gets its first.

    Args:
        place: the repository.
        refs: what its refs are.

    Raises:
        DeployError: there are branches, but none is called main.
    """
    if MAIN in refs:
        return refs[MAIN]
    others = [name.removeprefix(HEADS) for name in refs if name.startswith(HEADS)]
    if others:
        raise DeployError(
            "the deploy repository has no branch main",
            where=place.where,
            found=", ".join(others[:5]),
            remedy="rename one: `git branch -m OLD main`",
        )
    tree = changed_tree(place, "", {"README.md": _README.encode()})
    place.update([Move(MAIN, None, make_commit(place, [], tree, "Begin"))])
    return main_of(place, place.refs())


def is_merged(place: Place, commit: str, main: str) -> bool:
    """Return whether the main branch holds a commit."""
    ran = place.attempt("merge-base", "--is-ancestor", commit, main)
    if ran.code not in (0, 1):
        raise place.fault(ran)
    return ran.code == 0


def _file_change(entry: str, kinds: dict[str, str]) -> FileChange:
    added, removed, path = entry.split("\t", 2)
    count = [int(number) if number.isdigit() else 0 for number in (added, removed)]
    kind = {"A": "added", "D": "removed"}.get(kinds.get(path, "M"), "changed")
    return FileChange.model_validate(
        {"path": path, "lines_added": count[0], "lines_removed": count[1], "kind": kind}
    )
