"""What the pull requests of the controller say, and that it stays true while they wait."""

from __future__ import annotations

import pytest
from rollout_releases import WORKLOAD
from rollout_town import QUICK, Town, town
from rollout_traffic import plain_judge

from millrace.analysis import Judgement, judge

LONG = {**QUICK, "interval": "1m", "maxDuration": "1d"}


def waiting() -> Town:
    """Return a town in which a promotion waits for a person, with the real analysis."""
    one = town({"analysis": LONG, "policy": {"promote": "review"}})
    one.restart(judge)
    one.start()
    while one.open() != ["promote"]:
        one.go(60, tick=20)
    return one


def test_what_waits_for_a_person_is_not_said_to_merge_itself() -> None:
    endless = [{"setWeight": 10}, {"pause": {}}, {"setWeight": 50}]
    one = town({"steps": endless})
    one.start()
    one.go(300)
    body = one.git.pull_requests()[0].body
    assert "merged by itself" not in body
    assert "This waits for you, whatever the policy: the present step is a pause" in body
    merged = one.git.pull_requests(WORKLOAD, "merged")
    assert all("this is merged by itself" in pull.body for pull in merged[:2])


def test_what_the_scores_leave_to_a_person_is_not_said_to_merge_itself() -> None:
    def moved(*args: object, **kwargs: object) -> Judgement:
        told = judge(*args, **kwargs)  # type: ignore[arg-type]
        held = {"verdict": "hold", "needs_person": True, "reason": "scores moved"}
        return told.model_copy(update=held) if told.verdict == "advance" else told

    one = town()
    one.restart(moved)
    one.start()
    while not any(name.startswith("step-1") for name in one.open()):
        one.go(30)
    body = one.git.pull_requests()[0].body
    assert "merged by itself" not in body
    assert "This waits for you, whatever the workload's policy." in body


def test_a_text_that_waits_for_hours_tells_the_evidence_of_by_then() -> None:
    one = waiting()
    first = one.git.pull_requests()[0]
    one.go(1800, tick=20)
    assert one.git.pull_requests() == [first], "it is not written anew at each look"
    one.go(3 * 3600, tick=60)
    later = one.git.pull_requests()[0]
    assert (later.number, later.draft) == (first.number, False)
    assert samples(later.body) > 10 * samples(first.body)


def test_a_text_is_written_anew_seldom() -> None:
    one = waiting()
    one.restart(plain_judge)
    heads = set()
    for _ in range(6 * 6):
        one.go(600, tick=120)
        heads.add(one.git.pull_requests()[0].head)
    assert len(heads) == 4, "as it was opened, and after one, two and four hours"


@pytest.mark.parametrize("who", ["pushed", "held"])
def test_a_text_that_a_person_took_over_is_not_written_anew(who: str) -> None:
    one = waiting()
    first = one.git.pull_requests()[0]
    if who == "pushed":
        one.git.pulls[first.number].pushed = True
    else:
        one.git.mark(first.number, draft=True)
    one.go(3 * 3600, tick=60)
    assert one.git.pull_requests()[0].body == first.body
    assert one.git.pull_requests()[0].head == first.head


def samples(body: str) -> int:
    """Return how many requests of the canary a text tells of."""
    told = body.partition("## Evidence")[2].split()[0]
    return int(told.replace(",", ""))
