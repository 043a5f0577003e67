"""A pull request that a person made a draft is held by that person."""

from __future__ import annotations

from rollout_releases import WORKLOAD, bring, candidate, release_at
from rollout_town import Town, town


def marked(one: Town, *, draft: bool) -> None:
    """Let a person mark the newest pull request as work in progress, or as ready."""
    one.git.mark(one.git.pull_requests()[0].number, draft=draft)


def test_a_draft_of_a_person_is_neither_made_ready_nor_merged() -> None:
    one = town({"policy": {"promote": "review"}})
    one.start()
    one.go(120)
    assert one.open() == ["promote"]
    marked(one, draft=True)
    path = f"{WORKLOAD}/rollout.yaml"
    text = one.git.files(one.git.main, WORKLOAD)[path]
    auto = text.replace(b"promote: review", b"promote: auto")
    one.git.commit(one.git.main, {path: auto}, "go on by yourself")
    head = one.git.pull_requests()[0].head
    one.go(300)
    assert (one.weight, one.open()) == (50, ["promote (draft)"])
    assert one.git.pull_requests()[0].head == head
    assert "is held as a draft by a person" in one.told[WORKLOAD].reason
    marked(one, draft=False)
    one.go(60)
    assert release_at(one.git).stable.version == 8


def test_a_hold_of_a_person_keeps_no_bad_canary_in_traffic() -> None:
    one = town({"policy": {"promote": "review"}})
    one.start()
    one.go(120)
    marked(one, draft=True)
    one.arms.bad.add("churn-v8")
    one.go(60)
    assert one.phase in ("rolled back", "stable")
    assert one.open() == []


def test_a_candidate_that_a_person_holds_is_not_made_ready() -> None:
    one = town()
    bring(one.git, candidate(8))
    marked(one, draft=True)
    one.go(30)
    assert one.open() == ["release (draft)"]
    assert one.told[WORKLOAD].reason == "pull request #1 is held as a draft by a person"
    marked(one, draft=False)
    one.go(30)
    assert (one.open(), one.told[WORKLOAD].reason) == (["release"], "churn-v7 serves")


def test_a_restore_that_a_person_holds_is_not_made_ready() -> None:
    one = town()
    bring(one.git, candidate(6, purpose="restore", attempt=1))
    marked(one, draft=True)
    path = f"{WORKLOAD}/rollout.yaml"
    text = one.git.files(one.git.main, WORKLOAD)[path]
    one.git.commit(one.git.main, {path: text.replace(b"1h", b"2h")}, "more time")
    one.go(30)
    assert one.open() == ["restore-1 (draft)"]
    assert one.told[WORKLOAD].reason == "pull request #1 is held as a draft by a person"
    marked(one, draft=False)
    one.go(30)
    assert one.open() == ["restore-1"]
