"""What the users of a deploy repository think it does, without Git: a model to compare it with."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field

Files = dict[str, str]
Result = int | str
BRANCHES = [f"millrace/w/{name}/release" for name in "ab"]


@dataclass
class Pull:
    """What the model knows of a pull request."""

    branch: str
    base: Files
    changes: Files
    draft: bool
    token: int
    state: str = "open"
    title: str = ""


@dataclass
class Model:
    """A deploy repository as its users think of it."""

    main: Files = field(default_factory=dict)
    merged: frozenset[int] = frozenset()
    """Proposed commits that main holds, by token."""
    moves: int = 0
    """Commits of main."""
    pulls: list[Pull] = field(default_factory=list)
    branches: dict[str, int] = field(default_factory=dict)
    """Token of the commit that a branch names."""
    begun: dict[int, Pull] = field(default_factory=dict)
    """By token, what a killed proposal left, for the next to complete."""
    tokens: int = 0

    def state(self, pull: Pull) -> str:
        if pull.state != "open":
            return pull.state
        if self.branches.get(pull.branch, pull.token) in self.merged:
            return "merged"
        return "open" if pull.branch in self.branches else "closed"

    def seen(self) -> list[object]:
        pulls = [(p.branch, p.draft, self.state(p), p.changes, self.title(p)) for p in self.pulls]
        return [self.main, pulls, sorted(self.branches)]

    def title(self, pull: Pull) -> str:
        """Return what people read of a pull request that they may merge."""
        return pull.title if self.state(pull) == "open" and not pull.draft else ""


@dataclass(frozen=True)
class Action:
    """One thing that a client does, decided from what main was then."""

    kind: str
    branch: str
    number: int
    key: str
    value: str
    draft: bool
    main: Files
    merged: frozenset[int]
    moves: int

    @property
    def changes(self) -> Files:
        return {f"w/{self.key}": self.value}

    def applied(self, model: Model) -> tuple[Model, Result]:
        """Return what the repository is after it, and its result."""
        after = deepcopy(model)
        return after, getattr(self, f"_{self.kind}")(after)

    def halfway(self, model: Model) -> list[Model]:
        """Return what the repository may be within this, on a forge that does it in steps."""
        steps = {"propose": ["_begin"], "update": ["_mark", "_move"], "close": ["_shut"]}
        found = []
        for step in steps.get(self.kind, ()):
            after = deepcopy(model)
            getattr(self, step)(after)
            found.append(after)
        return found

    def _mark(self, model: Model) -> None:
        pull = self._open(model)
        if pull is not None:
            pull.draft = True

    def _move(self, model: Model) -> None:
        self._update(model)
        self._mark(model)

    def _shut(self, model: Model) -> None:
        pull = self._open(model)
        if pull is not None:
            pull.state = "closed"

    def _commit(self, model: Model) -> Result:
        if model.moves != self.moves:
            return "conflict"
        model.main |= self.changes
        model.moves += 1
        return "done"

    def _propose(self, model: Model) -> Result:
        numbered = [(n, p) for n, p in enumerate(model.pulls, 1) if p.branch == self.branch]
        if numbered:
            number, newest = numbered[-1]
            state = model.state(newest)
            if state == "open" or (state == "merged" and newest.token not in self.merged):
                return number
        if model.branches.get(self.branch) not in model.begun:
            self._begin(model)
        begun = model.begun.pop(model.branches[self.branch])
        begun.draft, begun.title = self.draft, self.value
        model.pulls.append(begun)
        return len(model.pulls)

    def _begin(self, model: Model) -> None:
        """Push the branch of a new pull request."""
        for pull in model.pulls:
            if pull.branch == self.branch:
                pull.state = model.state(pull)
        model.tokens += 1
        model.branches[self.branch] = model.tokens
        begun = Pull(self.branch, self.main, self.changes, self.draft, model.tokens)
        model.begun[model.tokens] = begun

    def _update(self, model: Model) -> Result:
        pull = self._open(model)
        if pull is None:
            return "conflict"
        model.tokens += 1
        model.branches[pull.branch] = pull.token = model.tokens
        pull.base, pull.changes, pull.draft = self.main, self.changes, self.draft
        pull.title = self.value
        return "done"

    def _merge(self, model: Model) -> Result:
        pull = self._open(model)
        if pull is None or pull.draft or not self._fits(model, pull):
            return "conflict"
        self._take(model, pull)
        pull.state = "merged"
        del model.branches[pull.branch]
        return "done"

    def _close(self, model: Model) -> Result:
        pull = model.pulls[self.number - 1]
        if model.state(pull) == "merged":
            return "conflict"
        if model.state(pull) == "open":
            pull.state = "closed"
            del model.branches[pull.branch]
        return "done"

    def _person_merges(self, model: Model) -> Result:
        pull = self._open(model)
        if pull is None or not self._fits(model, pull):
            return "conflict"
        self._take(model, pull)
        return "done"

    def _person_deletes(self, model: Model) -> Result:
        model.branches.pop(model.pulls[self.number - 1].branch, None)
        return "done"

    def _open(self, model: Model) -> Pull | None:
        pull = model.pulls[self.number - 1]
        return pull if model.state(pull) == "open" else None

    @staticmethod
    def _fits(model: Model, pull: Pull) -> bool:
        return all(
            model.main.get(path) in (pull.base.get(path), content)
            for path, content in pull.changes.items()
        )

    @staticmethod
    def _take(model: Model, pull: Pull) -> None:
        model.main |= pull.changes
        model.merged |= {pull.token}
        model.moves += 1
