"""What a forge refuses is waited for; what does not apply is made anew; both are told apart."""

from __future__ import annotations

from typing import Any

from rollout_releases import WORKLOAD
from rollout_town import Town, town

from millrace.errors import ConflictError

WORDS = "Does not have enough approvals"


def refused() -> Town:
    one = town()
    one.git.refusal = WORDS
    one.start()
    one.look()
    return one


def counted(one: Town, name: str) -> list[Any]:
    """Return a list that grows with each call of an operation of the forge."""
    calls: list[Any] = []
    operation = getattr(one.git, name)

    def call(*args: Any, **kwargs: Any) -> Any:
        calls.append(args)
        return operation(*args, **kwargs)

    setattr(one.git, name, call)
    return calls


def test_a_merge_that_the_forge_refuses_leaves_the_pull_request_as_it_is() -> None:
    one = refused()
    before = one.git.pull_requests()[0]
    updates = counted(one, "update")
    one.go(300, tick=1)
    assert (one.git.pull_requests(), updates) == ([before], [])
    assert (one.weight, one.open()) == (0, ["step-0-advance"])


def test_a_forge_that_refuses_a_merge_is_asked_again_once_a_minute() -> None:
    one = refused()
    tries = counted(one, "merge")
    one.go(300, tick=1)
    assert len(tries) == 5
    one.git.refusal = ""
    one.go(61, tick=1)
    assert one.weight == 10


def test_the_words_of_a_forge_that_refuses_a_merge_are_told() -> None:
    one = refused()
    for _ in range(70):
        one.go(1, tick=1)
        assert one.told[WORKLOAD].reason.endswith(f"is not merged yet: pull request #2: {WORDS}")


def test_an_update_that_met_a_conflict_is_tried_again_and_blamed_on_nobody() -> None:
    one = town({"policy": {"advance": "review"}})
    one.start()
    one.look()
    number = one.git.pull_requests()[0].number
    path = f"{WORKLOAD}/rollout.yaml"
    text = one.git.files(one.git.main, WORKLOAD)[path]
    moved = one.git.commit(one.git.main, {path: text.replace(b"1h", b"2h")}, "more time")
    update, met = one.git.update, iter([True])

    def busy(*args: Any, **kwargs: Any) -> Any:
        if next(met, False):
            raise ConflictError("others have changed it all the time")
        return update(*args, **kwargs)

    one.git.update = busy  # type: ignore[method-assign]
    one.look()
    one.look()
    assert moved in one.git.ancestors(one.git.get(number).head)
    assert "waits for a person" in one.told[WORKLOAD].reason
