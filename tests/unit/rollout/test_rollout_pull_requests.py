"""What becomes of the pull requests of the controller, and of those of people."""

from __future__ import annotations

from rollout_releases import (
    WORKLOAD,
    release_at,
)
from rollout_town import town

from millrace.deploy.base import PullRequest
from millrace.errors import ConflictError
from millrace.release import branch_of, roll_back


def test_what_the_policy_leaves_to_people_waits_for_them() -> None:
    one = town({"policy": {"advance": "review", "promote": "review", "rollback": "review"}})
    one.start()
    one.go(60)
    assert (one.weight, one.open()) == (0, ["step-0-advance"])
    assert "waits for a person" in one.told[WORKLOAD].reason
    for verb, weight in [("step-0-advance", 10), ("step-1-advance", 50), ("promote", 100)]:
        one.merge(verb)
        assert one.weight == weight
        one.go(60)
    assert one.phase == "stable"


def test_a_pull_request_that_a_person_closed_is_not_opened_again_at_this_step() -> None:
    one = town({"policy": {"advance": "review"}})
    one.start()
    one.go(10)
    one.git.close(one.git.pull_requests()[0].number, "not today")
    one.go(120)
    assert (one.open(), one.weight) == ([], 0)
    assert "was closed by a person" in one.told[WORKLOAD].reason


def test_a_verdict_that_changes_supersedes_the_pull_request_of_the_former_one() -> None:
    one = town({"policy": {"advance": "review", "rollback": "auto"}})
    one.start()
    one.look()
    one.merge("advance")
    one.go(40)
    assert one.open() == ["step-1-advance"]
    one.arms.bad.add("churn-v8")
    one.go(40)
    closed = one.git.pull_requests(WORKLOAD, "closed")[0]
    assert closed.branch.endswith("step-1-advance")
    assert closed.comment.startswith("Superseded: errors are beyond")
    assert one.phase in ("rolled back", "stable")


def test_a_person_who_pushed_to_the_branch_is_not_overruled() -> None:
    one = town({"policy": {"advance": "review"}})
    one.start()
    one.look()
    number = one.git.pull_requests()[0].number
    one.git.pulls[number].pushed = True
    path = f"{WORKLOAD}/rollout.yaml"
    text = one.git.files(one.git.main, WORKLOAD)[path]
    one.git.commit(one.git.main, {path: text.replace(b"1h", b"2h")}, "more time")
    head = one.git.get(number).head
    one.go(20)
    assert one.git.get(number).head == head
    assert "was changed by a person" in one.told[WORKLOAD].reason


def test_pull_requests_of_people_are_left_alone_while_the_canary_is_on_trial() -> None:
    one = town({"policy": {"promote": "review"}})
    one.start()
    one.look()
    canary = release_at(one.git).canary
    assert canary is not None
    files = one.git.files(one.git.main, WORKLOAD)
    made = roll_back(files, release_at(one.git), now=0.0, reason="a person asks")
    branch = branch_of(WORKLOAD, canary, "roll back", step=0)
    one.git.propose(branch, one.git.main, made, title="Roll back", body="a person asks")
    one.go(100)
    assert sorted(one.open()) == ["promote", "step-1-roll-back"]


def test_an_open_pull_request_is_made_anew_when_main_has_changed() -> None:
    one = town({"policy": {"advance": "review"}})
    one.start()
    one.look()
    before = one.git.pull_requests()[0]
    path = f"{WORKLOAD}/rollout.yaml"
    text = one.git.files(one.git.main, WORKLOAD)[path]
    one.git.commit(one.git.main, {path: text.replace(b"1h", b"2h")}, "more time")
    one.look()
    after = one.git.pull_requests()[0]
    assert (after.number, after.branch) == (before.number, before.branch)
    assert after.head != before.head
    one.merge("advance")
    release = release_at(one.git)
    assert one.weight == 10
    assert release.rollout.analysis.maxDuration.total_seconds() == 7200


def test_a_pull_request_that_no_longer_applies_is_made_anew_and_merged() -> None:
    one = town({"policy": {"advance": "review"}})
    one.start()
    one.look()
    number = one.git.pull_requests()[0].number
    refused = one.git.merge
    calls = []

    def once_refused(asked: int) -> str:
        calls.append(asked)
        if len(calls) == 1:
            raise ConflictError("it no longer applies")
        return refused(asked)

    one.git.merge = once_refused  # type: ignore[method-assign]
    path = f"{WORKLOAD}/rollout.yaml"
    text = one.git.files(one.git.main, WORKLOAD)[path]
    auto = text.replace(b"advance: review", b"advance: auto")
    one.git.commit(one.git.main, {path: auto}, "go on by yourself")
    for _ in range(5):
        one.look()
    assert calls == [number, number]
    assert one.weight == 10


def test_what_a_person_closes_while_the_controller_decides_stays_closed() -> None:
    one = town({"policy": {"advance": "review"}})
    one.start()
    proposed = one.git.propose

    def closed_at_once(*args: object, **kwargs: object) -> PullRequest:
        first = proposed(*args, **kwargs)  # type: ignore[arg-type]
        one.git.close(first.number, "no")
        return proposed(*args, **kwargs)  # type: ignore[arg-type]

    one.git.propose = closed_at_once  # type: ignore[method-assign]
    one.go(60)
    found = one.git.pull_requests(WORKLOAD, "all")
    assert [pull.state for pull in found] == ["closed", "merged"]
