"""Drafts become ready when their time has come, and only then; people's changes stay."""

from __future__ import annotations

import pytest
from release_worlds import NOW, SITE, World

from millrace.release import (
    finish_promotion,
    finish_roll_back,
    promote,
    read_release,
    roll_back,
)
from millrace.release.settling import settle_candidate


def settle(world: World, number: int) -> bool:
    found = settle_candidate("pumps", number, world.repository, world.forge, SITE)
    assert found is None or found.number == number
    return found is not None


@pytest.fixture
def waiting(world: World) -> World:
    """Version 2 is on trial, and version 3 waits as pull request 3."""
    world.serve(1)
    world.forge.merge(world.propose(2, champion=world.digest(1)).number)
    world.propose(3, champion=world.digest(1))
    return world


def proposed(world: World, number: int):
    return read_release(world.files(world.pull_request(number).head), "pumps")


def test_nothing_is_settled_while_the_rollout_goes_on(waiting: World):
    assert not settle(waiting, 3)
    assert waiting.pull_request(3).draft


def test_it_becomes_ready_when_the_rollout_was_rolled_back(waiting: World):
    waiting.commit(roll_back(waiting.files(), waiting.release(), now=NOW))
    waiting.commit(finish_roll_back(waiting.files(), waiting.release(), now=NOW))
    assert settle(waiting, 3)
    ready = waiting.pull_request(3)
    assert not ready.draft
    assert not ready.body.startswith(">")
    assert not settle(waiting, 3), "once is enough"
    waiting.forge.merge(3)
    release = waiting.release()
    assert (release.stable.version, release.canary.version) == (1, 3)
    assert release.canary.score_distance == 0.031


def test_after_a_promotion_it_is_made_anew_on_top_of_what_serves(waiting: World):
    waiting.commit(promote(waiting.files(), waiting.release(), now=NOW))
    waiting.commit(finish_promotion(waiting.files(), waiting.release(), now=NOW))
    assert settle(waiting, 3)
    assert proposed(waiting, 3).stable.version == 2
    assert proposed(waiting, 3).canary.score_distance is None, "evaluation saw another champion"
    assert proposed(waiting, 3).position.since == NOW
    waiting.forge.merge(3)
    assert waiting.release().weights == {"pumps-v2": 100, "pumps-v3": 0}


def test_a_newer_candidate_does_not_wait_for_an_older_one(world: World):
    world.serve(1)
    world.propose(2)
    newer = world.propose(3)
    assert (newer.draft, newer.waits_for) == (False, "")
    assert not settle(world, 3)


def test_what_is_no_longer_open_is_not_settled(waiting: World):
    waiting.forge.close(3, "no")
    waiting.commit(roll_back(waiting.files(), waiting.release(), now=NOW))
    assert not settle(waiting, 3)


def test_a_candidate_that_is_ready_becomes_a_draft_when_its_way_is_barred(world: World):
    world.serve(1)
    world.propose(2)
    world.publish(7)
    world.forge.merge(world.rollback(to="7").pull_request.number)
    assert settle(world, 2)
    shown = world.pull_request(2)
    assert shown.draft
    assert shown.body.startswith("> **Draft**: waits for the rollout of version 7 to end.")


def test_first_releases_do_not_wait_for_each_other(world: World):
    world.propose(1)
    world.propose(2)
    assert [world.pull_request(number).draft for number in (1, 2)] == [False, False]
    world.forge.close(1, "no")
    world.forge.merge(2)
    assert world.release().stable.version == 2


def test_a_first_release_that_was_overtaken_becomes_a_candidate(world: World):
    world.propose(1)
    world.propose(2)
    world.forge.merge(1)
    assert settle(world, 2)
    assert world.pull_request(2).body.startswith("> **Made anew**: `pumps-v1` serves by now.")
    assert not settle(world, 2), "once is enough"
    release = proposed(world, 2)
    assert (release.stable.version, release.canary.version) == (1, 2)
    world.forge.merge(2)
    assert world.release().weights == {"pumps-v1": 100, "pumps-v2": 0}


def test_a_waiting_restore_goes_before_candidates(world: World):
    world.serve(1)
    world.propose(2)
    world.publish(7)
    world.rollback(to="7")
    assert settle(world, 2)
    assert "Restore pumps v7" in world.pull_request(2).body.splitlines()[0]


def test_a_candidate_that_fits_is_left_with_what_people_did_to_it(world: World):
    world.serve(1)
    world.propose(2)
    head = world.repository.head()
    world.commit({"pumps/notes.md": b"hello"})
    assert world.repository.head() != head
    assert not settle(world, 2)
