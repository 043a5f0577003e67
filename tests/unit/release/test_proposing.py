"""A registered candidate is proposed once, by a pull request that tells what it waits for."""

from __future__ import annotations

import pytest
from release_worlds import NOW, SPEC, World

from millrace.errors import DeployError, ReleaseError
from millrace.release import applied, finish_promotion, finish_roll_back, promote, roll_back
from millrace.release.reading import read_release


def test_the_first_candidate_is_proposed_as_the_stable_arm_with_all_the_traffic(world: World):
    proposal = world.propose(1)
    assert proposal is not None
    assert (proposal.number, proposal.state, proposal.draft) == (1, "open", False)
    assert str(proposal) == "proposed as pull request #1"
    assert world.files() == {}, "nothing is merged by itself"
    proposed = read_release(world.files(world.pull_request(1).head), "pumps")
    assert proposed.weights == {"pumps-v1": 100}
    assert proposed.position.phase == "stable"
    world.forge.merge(1)
    assert world.release().stable.digest == world.digest(1)


def test_a_later_candidate_is_proposed_as_a_canary_without_traffic(world: World):
    world.serve(1)
    proposal = world.propose(2, champion=world.digest(1))
    assert proposal is not None
    assert not proposal.draft
    world.forge.merge(proposal.number)
    release = world.release()
    assert release.weights == {"pumps-v1": 100, "pumps-v2": 0}
    assert release.canary is not None
    assert release.canary.digest == world.digest(2)
    assert release.canary.score_distance == 0.031
    assert release.position.phase == "waiting"
    assert release.position.since == NOW
    assert release.position.reason == "proposed by run run-2"


def test_scores_are_not_expected_as_evaluation_saw_them_of_another_champion(world: World):
    world.serve(1)
    proposal = world.propose(2, champion="e" * 64)
    world.forge.merge(proposal.number)
    assert world.release().canary.score_distance is None


def test_a_killed_register_step_that_is_repeated_has_one_pull_request(world: World):
    registration, card = world.publish(1)
    first = world.propose_again(registration, card)
    again = world.propose_again(registration, card)
    assert first == again
    assert len(world.forge.pull_requests("pumps", "all")) == 1


def test_a_candidate_that_a_person_refused_stays_refused(world: World):
    registration, card = world.publish(1)
    world.propose_again(registration, card)
    world.forge.close(1, "not now")
    again = world.propose_again(registration, card)
    assert again.state == "closed"
    assert str(again) == (
        "proposed before as pull request #1, which was closed; once more: `millrace pr again 1`"
    )
    assert world.forge.pull_requests("pumps", "open") == []


def test_what_serves_or_is_on_trial_is_not_proposed(world: World):
    first = world.publish(1)
    world.forge.merge(world.propose_again(*first).number)
    assert world.propose_again(*first) is None
    second = world.publish(2, champion=first[0].digest)
    world.forge.merge(world.propose_again(*second).number)
    assert world.propose_again(*second) is None


def test_a_candidate_waits_as_a_draft_while_another_is_on_trial(world: World):
    world.serve(1)
    world.forge.merge(world.propose(2).number)
    waiting = world.propose(3)
    assert waiting.draft
    assert str(waiting) == (
        "proposed as draft pull request #3, waits for the rollout of version 2 to end"
    )
    shown = world.pull_request(3)
    assert shown.body.startswith("> **Draft**: waits for the rollout of version 2 to end.")
    proposed = read_release(world.files(shown.head), "pumps")
    assert proposed.canary.version == 3
    with pytest.raises(DeployError):
        world.forge.merge(3)


def test_a_candidate_after_a_promotion_is_compared_with_what_was_promoted(world: World):
    world.serve(1)
    world.forge.merge(world.propose(2, champion=world.digest(1)).number)
    world.commit(promote(world.files(), world.release(), now=NOW))
    world.propose(3, champion=world.digest(2))
    proposed = read_release(world.files(world.pull_request(3).head), "pumps")
    assert (proposed.stable.version, proposed.canary.version) == (2, 3)
    assert proposed.canary.score_distance == 0.031, "it was compared with what was promoted"


def test_the_declared_serving_and_rollout_sections_come_with_the_candidate(world: World):
    world.serve(1)
    world.declare(
        SPEC + "  serving: {latency: 20ms, replicas: 2, defaults: {pressure: 1}}\n"
        "  rollout: {steps: [{setWeight: 10}]}\n"
    )
    world.forge.merge(world.propose(2).number)
    release = world.release()
    assert release.serving.latency.total_seconds() == 0.02
    assert len(release.rollout.steps) == 1
    arm = world.files()["pumps/arms/pumps-v2.yaml"].decode()
    assert "--latency=20ms" in arm
    assert '--defaults={"pressure": 1.0}' in arm
    assert "minReplicas: 2" in arm
    assert "--latency=50ms" in world.files()["pumps/arms/pumps-v1.yaml"].decode()


def test_a_deploy_repository_that_does_not_answer_leaves_a_version_to_propose(world: World):
    registration, card = world.publish(1)
    world.root.joinpath("home", "deploy.git").write_text("this is no repository")
    with pytest.raises(DeployError) as raised:
        world.propose_again(registration, card)
    told = str(raised.value)
    assert "pumps version 1 is registered but not yet proposed: " in told
    assert "run again: that proposes it" in told
    assert "\n" not in told


def test_versions_that_are_counted_anew_are_told(world: World):
    world.serve(1)
    registration, card = world.publish(2)
    with pytest.raises(Exception, match="pumps-v1 names another bundle"):
        world.propose_again(registration.model_copy(update={"version": 1}), card)


def test_after_a_rollback_the_same_bundle_is_not_proposed_again(world: World):
    world.serve(1)
    second = world.publish(2)
    world.forge.merge(world.propose_again(*second).number)
    world.commit(roll_back(world.files(), world.release(), now=NOW))
    world.commit(finish_roll_back(world.files(), world.release(), now=NOW))
    again = world.propose_again(*second)
    assert again.state == "merged"
    assert world.release().canary is None


def test_a_promoted_candidate_serves(world: World):
    world.serve(1)
    world.forge.merge(world.propose(2).number)
    files = applied(world.files(), promote(world.files(), world.release(), now=NOW))
    world.commit(finish_promotion(files, read_release(files, "pumps"), now=NOW))
    assert world.release().stable.version == 2


@pytest.mark.parametrize(
    ("default", "told"),
    [
        ("{pressur: 1}", "no such feature; expected one of pressure; did you mean 'pressure'?"),
        ("{pressure: high}", "is no value of this feature; found 'high'; expected a number"),
    ],
)
def test_defaults_that_no_arm_would_start_with_are_not_proposed(
    world: World, default: str, told: str
):
    world.declare(SPEC + f"  serving: {{defaults: {default}}}\n")
    with pytest.raises(ReleaseError) as caught:
        world.propose(1)
    assert told in str(caught.value)
    assert world.forge.pull_requests() == []
