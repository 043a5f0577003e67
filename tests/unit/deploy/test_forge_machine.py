"""Two clients and a person use a deploy repository, one inside the other, with kills anywhere."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from copy import deepcopy
from pathlib import Path

import pytest
from deploy_worlds import KilledError, World, at_change, at_command
from forge_model import BRANCHES, Action, Model, Result
from gitea_worlds import GiteaWorld
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from millrace.errors import ConflictError

KINDS = ["merge", "update", "propose", "commit", "close", "person_merges", "person_deletes"]
Moment = tuple[Callable[..., AbstractContextManager[list[list[str]]]], int]
MOMENTS = st.one_of(
    st.tuples(st.just(at_change), st.integers(0, 3)),
    st.tuples(st.just(at_command), st.integers(1, 18)),
)
"""When something happens in the middle: at which of the commands, or of those that change."""
Done = tuple[Action, Result | None]
"""An action and its result; None if it was killed."""
ACTIONS = st.fixed_dictionaries(
    {
        "kind": st.sampled_from([*KINDS, *KINDS[:3]]),
        "branch": st.sampled_from(BRANCHES),
        "number": st.integers(1, 6),
        "key": st.sampled_from("xy"),
        "draft": st.sampled_from([False, False, True]),
    }
)


class ForgeMachine(RuleBasedStateMachine):
    """Every outcome must be one that some order of whole actions explains."""

    blind = ("update", "close")
    """What a merge by plain git in the same milliseconds does not stop: it moves main alone, which
    no push of a branch can expect."""

    def made(self, home: Path) -> World:
        return World(home)

    def names(self, cached: bool) -> tuple[str, str]:
        """Return the names of two clients; one that waits holds no lock of another's folder."""
        return ("", "far") if cached else ("", "")

    def halfway(self, action: Action) -> list[Model]:
        """Return what may be there after a kill, but the whole or nothing."""
        return []

    def between(self, outer: Done, inner: Done) -> tuple[list[list[Done]], list[Model]]:
        """Return what else may be there if two act at once, but one whole after the other."""
        merges = outer[0].kind == inner[0].kind == "merge"
        # in the same second they are the same commit, which both have then made
        return ([[outer]] if merges and outer[1] == inner[1] == "done" else []), []

    @initialize(cached=st.booleans())
    def begin(self, cached: bool) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="millrace-test-")
        self.world = self.made(Path(self.folder.name))
        self.world.repository().head()
        names = self.names(cached)
        self.clients = [(self.world.repository(n), self.world.forge(n)) for n in names]
        self.model = Model()
        self.count = 0
        for branch in BRANCHES:
            said = {"kind": "propose", "branch": branch, "number": 1, "key": "x", "draft": False}
            self.one_acts(said, 0)

    @rule(said=ACTIONS, who=st.integers(0, 1))
    def one_acts(self, said: dict[str, object], who: int) -> None:
        action = self.decided(said)
        result = self.run(action, who)
        self.explain([[(action, result)]])

    @rule(said=ACTIONS, who=st.integers(0, 1), at=MOMENTS, after=st.booleans())
    def one_is_killed(self, said: dict[str, object], who: int, at: Moment, after: bool) -> None:
        action = self.decided(said)
        if action.kind.startswith("person"):
            return
        result: Result | None = None

        def kill() -> None:
            raise KilledError

        with pytest.MonkeyPatch.context() as patch:
            hook = {"after": kill} if after else {"before": kill}
            with at[0](patch, at[1], **hook):
                try:
                    result = self.run(action, who)
                except KilledError:
                    self.explain([[], [(action, None)]], self.halfway(action))
                    return
        self.explain([[(action, result)]])

    @rule(first=ACTIONS, second=ACTIONS, at=MOMENTS)
    def one_acts_within_the_other(
        self, first: dict[str, object], second: dict[str, object], at: Moment
    ) -> None:
        outer, inner = self.decided(first), self.decided(second)
        blind = outer.kind in self.blind and inner.kind == "person_merges"
        if outer.kind.startswith("person") or blind:
            return
        results: list[Result] = []
        with (
            pytest.MonkeyPatch.context() as patch,
            at[0](patch, at[1], before=self.later(inner, results)),
        ):
            result = self.run(outer, 0)
        if not results:
            self.explain([[(outer, result)]])
        else:
            pair = [(outer, result), (inner, results[0])]
            orders, models = self.between(*pair)
            self.explain([pair, pair[::-1], *orders], models)

    def later(self, action: Action, results: list[Result]) -> Callable[[], None]:
        return lambda: results.append(self.run(action, 1))

    def decided(self, said: dict[str, object]) -> Action:
        """Return an action decided now, about one of the pull requests that are there."""
        self.count += 1
        number = int(str(said["number"])) % max(len(self.model.pulls), 1) + 1
        return Action(
            **{**said, "number": number},  # type: ignore[arg-type]
            value=f"{self.count}",
            main=dict(self.model.main),
            merged=self.model.merged,
            moves=self.model.moves,
        )

    def run(self, action: Action, who: int) -> Result:
        repository, forge = self.clients[who]
        changes = {path: content.encode() for path, content in action.changes.items()}
        text = {"title": action.value, "body": "", "draft": action.draft}
        parent = self.heads[action.moves]
        try:
            if action.kind == "propose":
                return forge.propose(action.branch, parent, changes, **text).number
            if action.kind == "update":
                forge.update(action.number, parent, changes, **text)
            elif action.kind == "merge":
                forge.merge(action.number)
            elif action.kind == "close":
                forge.close(action.number, "no")
            elif action.kind == "commit":
                repository.commit(parent, changes, action.value)
            else:
                return self.person(action)
        except ConflictError:
            return "conflict"
        return "done"

    def person(self, action: Action) -> Result:
        """Let a person use plain git, as long as it lets them."""
        there = self.world.forge().get(action.number)
        refs = self.world.git("for-each-ref", "--format=%(refname:short)", "refs/heads")
        if action.kind == "person_deletes":
            if there.branch in refs.split():
                self.world.person_deletes(there.branch)
            return "done"
        if there.state != "open":
            return "conflict"
        try:
            self.world.person_merges(there.branch)
        except AssertionError:
            return "conflict"
        return "done"

    @property
    def heads(self) -> list[str]:
        """Return the commits of main, the oldest first."""
        return self.world.git("rev-list", "--first-parent", "--reverse", "main").split()

    def explain(self, orders: list[list[Done]], others: Sequence[Model] = ()) -> None:
        """See that one of these orders leads to what is there, and go on from it."""
        there = self.there()
        tried: list[object] = []
        for order in orders:
            model = deepcopy(self.model)
            fits = True
            for action, result in order:
                model, expected = action.applied(model)
                fits = fits and result in (None, expected)
            if fits and model.seen() == there:
                self.model = model
                return
            tried.append((order, model.seen(), fits))
        for model in others:
            if model.seen() == there:
                self.model = model
                return
            tried.append(model.seen())
        raise AssertionError(f"{there} is explained by none of {tried}")

    def there(self) -> list[object]:
        repository = self.world.repository()
        head = repository.head()
        main = {p: c.decode() for p, c in repository.files(head, "w").items()}
        pulls = []
        for one in reversed(self.world.forge().pull_requests(state="all")):
            files = repository.files(one.head, "w")
            changed = repository.history(one.head, "")[0]
            assert changed.id == one.head
            key = next(
                path for path, content in files.items() if content.decode() == changed.subject
            )
            title = one.title if one.state == "open" and not one.draft else ""
            pulls.append((one.branch, one.draft, one.state, {key: files[key].decode()}, title))
        names = self.world.git("for-each-ref", "--format=%(refname:short)", "refs/heads/millrace")
        return [main, pulls, sorted(names.split())]

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.folder.cleanup()


class GiteaMachine(ForgeMachine):
    """On Gitea, which does in steps what the local forge does at once."""

    world: GiteaWorld
    blind = ("update", "close", "merge")

    def made(self, home: Path) -> World:
        return GiteaWorld(home)

    def names(self, cached: bool) -> tuple[str, str]:
        return "near", "far"

    def halfway(self, action: Action) -> list[Model]:
        return action.halfway(self.model)

    def between(self, outer: Done, inner: Done) -> tuple[list[list[Done]], list[Model]]:
        kinds = (outer[0].kind, inner[0].kind)
        if kinds == ("update", "merge") and inner[1] == "conflict":
            return [[outer]], []  # it is a draft while it changes
        if kinds == ("close", "update"):  # its branch is left to whoever moved it
            return [], outer[0].halfway(inner[0].applied(self.model)[0])
        return super().between(outer, inner)

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.server.close()
        super().teardown()


SETTINGS = settings(
    stateful_step_count=25,
    phases=[Phase.reuse, Phase.generate],  # to shrink takes minutes: each step runs git
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestForgeMachine = pytest.mark.slow(ForgeMachine.TestCase)
TestForgeMachine.settings = settings(SETTINGS, max_examples=6)
TestGiteaMachine = pytest.mark.slow(GiteaMachine.TestCase)
TestGiteaMachine.settings = settings(SETTINGS, max_examples=2, stateful_step_count=12)
