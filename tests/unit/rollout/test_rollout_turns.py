"""Whose turn it is to go on trial."""

from __future__ import annotations

from rollout_releases import (
    SITE,
    WORKLOAD,
    arm,
    bring,
    candidate,
    release_at,
)
from rollout_town import town

from millrace.release import branch_of, first_release
from millrace.workload.rollout import Rollout
from millrace.workload.serving import Serving


def test_a_candidate_that_comes_in_the_middle_waits_for_its_turn() -> None:
    one = town()
    one.start()
    one.look()
    bring(one.git, candidate(9, score_distance=0.2))
    one.look()
    assert one.open() == ["release (draft)"]
    one.go(200)
    assert release_at(one.git).stable.version == 8
    assert one.open() == ["release"]
    one.merge("release")
    one.ready(9)
    release = release_at(one.git)
    assert release.canary is not None
    assert release.canary.score_distance is None, "it was measured against another champion"
    one.go(200)
    assert release_at(one.git).stable.version == 9


def test_the_newest_of_several_candidates_supersedes_the_others() -> None:
    one = town()
    bring(one.git, candidate(8))
    bring(one.git, candidate(9))
    bring(one.git, candidate(10))
    one.look()
    opened = one.git.pull_requests()
    assert [(pull.title, pull.draft) for pull in opened] == [("release churn-v10", False)]
    closed = one.git.pull_requests(WORKLOAD, "closed")
    assert {pull.comment for pull in closed} == {"Superseded: churn-v10 is newer"}


def test_of_candidates_that_wait_for_a_rollout_only_the_newest_is_kept() -> None:
    one = town()
    one.start()
    one.look()
    bring(one.git, candidate(9))
    bring(one.git, candidate(10))
    one.look()
    waiting = one.git.pull_requests(WORKLOAD)[0]
    assert [(pull.title, pull.draft) for pull in one.git.pull_requests()] == [
        ("release churn-v10", True)
    ]
    assert waiting.body.startswith("> **Draft**: waits for the rollout of version 8 to end.")
    one.go(200)
    assert one.open() == ["release"]


def test_a_candidate_whose_branch_a_person_pushed_to_is_left_to_that_person() -> None:
    one = town()
    one.start()
    waiting = bring(one.git, candidate(9))
    one.git.pulls[waiting.number].pushed = True
    one.go(200)
    assert release_at(one.git).stable.version == 8
    assert one.git.get(waiting.number) == waiting


def test_a_candidate_that_is_older_than_what_serves_is_superseded() -> None:
    one = town()
    one.start(9)
    older = bring(one.git, candidate(8))
    one.go(200)
    assert release_at(one.git).stable.version == 9
    assert one.git.get(older.number).comment == "Superseded: churn-v9 serves and is newer"


def test_of_two_first_releases_the_one_that_is_merged_serves_and_the_other_goes_on_trial() -> None:
    one = town()
    late = arm(8)
    made = first_release(WORKLOAD, late, Serving(), Rollout(), SITE, now=0.0)
    branch = branch_of(WORKLOAD, candidate(8), "release")
    pull = one.git.propose(branch, "c0", made, title="First release", body="evidence")
    one.look()
    one.look()
    ready = one.git.get(pull.number)
    assert ready.body.startswith("> **Made anew**: `churn-v7` serves by now.")
    one.git.merge(pull.number)
    release = release_at(one.git)
    assert (release.stable.version, release.weights) == (7, {"churn-v7": 100, "churn-v8": 0})
