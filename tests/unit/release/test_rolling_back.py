"""`rollback` proposes what can be gone back to, after it has seen that the bundle is there."""

from __future__ import annotations

import shutil

import pytest
from release_worlds import NOW, SPEC, World

from millrace.errors import ReleaseError, StoreError
from millrace.release import (
    advance,
    applied,
    finish_promotion,
    promote,
    roll_back,
)
from millrace.release.evidence.markdown import moment
from millrace.release.history import present_release, serving_arm
from millrace.release.reading import read_release


@pytest.fixture
def served(world: World) -> World:
    """Version 1 was released and version 2 promoted after it."""
    world.serve(1)
    world.forge.merge(world.propose(2).number)
    finish_trial(world)
    return world


def finish_trial(world: World) -> None:
    world.commit(promote(world.files(), world.release(), now=NOW))
    world.commit(finish_promotion(world.files(), world.release(), now=NOW))


def test_a_canary_on_trial_is_taken_off(served: World):
    served.forge.merge(served.propose(3).number)
    served.commit(advance(served.files(), served.release(), now=NOW))
    made = served.rollback(reason="support says that answers are odd")
    assert made.merges_itself
    assert (made.arm.version, made.leaves.version) == (2, 3)
    found = made.pull_request
    assert found.branch.endswith("/step-1-roll-back")
    assert found.title == "Roll back pumps v3: support says that answers are odd"
    served.forge.merge(found.number)
    release = served.release()
    assert release.weights == {"pumps-v2": 100, "pumps-v3": 0}
    assert release.position.phase == "rolled back"
    assert release.position.reason == "support says that answers are odd"


def test_a_person_s_roll_back_says_since_when_the_canary_is_on_trial(served: World):
    served.forge.merge(served.propose(3).number)
    brought = served.repository.history(served.repository.head(), "pumps")[0].time
    served.commit(advance(served.files(), served.release(), now=NOW))
    body = served.rollback().pull_request.body
    assert f"On trial since {moment(brought)} (" in body
    assert "this is merged by itself" in body


def test_asking_twice_gives_the_same_pull_request(served: World):
    served.forge.merge(served.propose(3).number)
    assert served.rollback().pull_request.number == served.rollback().pull_request.number


def test_a_person_may_ask_for_what_was_refused_before(served: World):
    served.forge.merge(served.propose(3).number)
    first = served.rollback().pull_request
    served.forge.close(first.number, "wait")
    again = served.rollback().pull_request
    assert again.number != first.number
    assert again.branch == f"{first.branch}-2"
    served.forge.merge(again.number)
    assert served.release().position.phase == "rolled back"


def test_a_canary_that_is_rolled_back_already_is_told(served: World):
    served.forge.merge(served.propose(3).number)
    served.commit(roll_back(served.files(), served.release(), now=NOW))
    with pytest.raises(ReleaseError, match="version 3 is rolled back already"):
        served.rollback()
    with pytest.raises(ReleaseError, match="wait until its arm is gone"):
        served.rollback(to="1")


def test_without_a_canary_the_bundle_that_served_before_is_restored(served: World):
    made = served.rollback()
    assert (made.arm.version, made.leaves.version) == (1, 2)
    assert made.pull_request.branch.endswith("/restore-1")
    assert made.pull_request.title == "Restore pumps v1"
    served.forge.merge(made.pull_request.number)
    release = served.release()
    assert release.weights == {"pumps-v2": 100, "pumps-v1": 0}
    assert (release.canary.purpose, release.canary.attempt) == ("restore", 1)
    finish_trial(served)
    assert served.release().stable.version == 1
    back = served.rollback()
    assert back.arm.version == 2, "a second one undoes the first"


def test_a_bundle_can_be_restored_as_often_as_it_takes(served: World):
    served.forge.merge(served.rollback().pull_request.number)
    finish_trial(served)
    served.forge.merge(served.rollback().pull_request.number)
    finish_trial(served)
    again = served.rollback()
    assert again.arm.version == 1
    assert again.pull_request.branch.endswith("/restore-2")
    assert served.rollback().pull_request == again.pull_request


def test_a_restored_arm_is_the_one_that_served_with_what_people_added_to_it(world: World):
    world.serve(1)
    arm = "pumps/arms/pumps-v1.yaml"
    edited = world.files()[arm].replace(b"--latency=50ms", b"--latency=80ms")
    world.commit({arm: edited})
    world.declare(SPEC + "  serving: {latency: 20ms}\n")
    world.forge.merge(world.propose(2).number)
    finish_trial(world)
    world.forge.merge(world.rollback(to="1").pull_request.number)
    assert b"--latency=80ms" in world.files()[arm]


@pytest.mark.parametrize("name", ["1", "v1", "pumps-v1", "digest", "start"])
def test_a_bundle_is_named_by_version_or_digest(served: World, name: str):
    digest = served.digest(1)
    made = served.rollback(to={"digest": f"sha256:{digest}", "start": digest[:8]}.get(name, name))
    assert made.arm.digest == digest


def test_a_bundle_that_only_the_registry_knows_can_be_restored(served: World):
    served.publish(9)
    made = served.rollback(to="9")
    served.forge.merge(made.pull_request.number)
    assert served.release().canary.version == 9
    assert "served before | never" in made.pull_request.body


def test_what_cannot_be_gone_back_to_is_told(served: World):
    with pytest.raises(
        ReleaseError, match=r"no such version or bundle; found '7'; expected one"
    ) as raised:
        served.rollback(to="7")
    assert raised.value.expected == "one of 1"
    with pytest.raises(ReleaseError, match="version 2 serves already"):
        served.rollback(to="2")
    served.forge.merge(served.propose(3).number)
    with pytest.raises(ReleaseError, match=r"version 3 is on trial; .*`millrace rollback pumps`"):
        served.rollback(to="1")
    with pytest.raises(ReleaseError, match=r"version 2 serves already; found version 3 on trial"):
        served.rollback(to="2")


def test_a_first_release_has_nothing_to_go_back_to(world: World):
    world.serve(1)
    with pytest.raises(ReleaseError, match="no other version than 1 ever served"):
        world.rollback()
    world.publish(4)
    with pytest.raises(ReleaseError, match="name one with --to: 4"):
        world.rollback()


def test_a_workload_that_is_not_released_is_told(world: World):
    with pytest.raises(ReleaseError, match="pumps: nothing is released"):
        world.rollback()


def test_a_bundle_that_is_lost_or_damaged_is_not_proposed(served: World):
    folder = served.settings.store_folder / "bundles" / "sha256" / served.digest(1)
    (folder / "model.onnx").write_bytes(b"another model")
    with pytest.raises(StoreError, match="damaged"):
        served.rollback()
    shutil.rmtree(folder)
    with pytest.raises(StoreError, match="nothing lies there"):
        served.rollback()
    assert served.forge.pull_requests("pumps") == []


def test_a_policy_of_review_leaves_merging_to_a_person(world: World):
    world.declare(SPEC + "  rollout: {policy: {rollback: review}}\n")
    world.serve(1)
    world.forge.merge(world.propose(2).number)
    assert not world.rollback().merges_itself


def test_a_commit_that_says_what_cannot_be_is_passed_over(served: World):
    sound = served.files()
    served.commit({"pumps/rollout.yaml": b"kind: Nonsense\n"})
    served.commit({"pumps/rollout.yaml": sound["pumps/rollout.yaml"]})
    assert served.rollback().arm.version == 1


def test_the_champion_is_what_serves(served: World):
    assert serving_arm(present_release(served.repository, "pumps")).version == 2
    served.forge.merge(served.propose(3).number)
    assert serving_arm(present_release(served.repository, "pumps")).version == 2
    files = applied(served.files(), promote(served.files(), served.release(), now=NOW))
    assert serving_arm(read_release(files, "pumps")).version == 3
    assert present_release(served.repository, "flights") is None


def test_an_arm_that_still_has_traffic_does_not_go(served: World):
    served.forge.merge(served.propose(3).number)
    served.commit(promote(served.files(), served.release(), now=NOW))
    route = served.files()["pumps/route.yaml"]
    split = route.replace(b"weight: 100", b"weight: 90").replace(b"weight: 0", b"weight: 10")
    served.commit({"pumps/route.yaml": split})
    with pytest.raises(ReleaseError, match="the arm that is to go still has traffic"):
        finish_promotion(served.files(), served.release(), now=NOW)


def test_a_bundle_that_never_served_waits_for_a_review_whatever_the_policy(world: World):
    world.serve(1)
    world.publish(4)
    assert not world.rollback(to="4").merges_itself


def test_an_unknown_version_is_told_also_where_there_is_no_other(world: World):
    world.serve(1)
    with pytest.raises(ReleaseError, match=r"found '9'; release another first$"):
        world.rollback(to="9")


def test_a_mistyped_workload_is_told_beside_those_that_are_released(world: World):
    world.serve(1)
    with pytest.raises(ReleaseError, match="no such workload is released; expected one of pumps"):
        world.rollback(workload="pump")
