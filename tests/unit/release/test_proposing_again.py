"""A person may propose a candidate once more: one that was refused, or whose trial is over."""

from __future__ import annotations

import io
import json
import shutil

import pytest
from release_worlds import NOW, SITE, World
from rich.console import Console

from cli.commands import again as command
from millrace.deploy import PullRequest
from millrace.errors import ReleaseError, StoreError
from millrace.release import finish_promotion, finish_roll_back, promote, roll_back
from millrace.release.again import Desk, propose_again
from millrace.release.reading import read_release


def again(world: World, number: int, reason: str = "") -> PullRequest:
    desk = Desk(world.repository, world.forge, world.store, SITE)
    return propose_again(number, desk, reason=reason, now=NOW + 500)


def roll_it_back(world: World) -> None:
    world.commit(roll_back(world.files(), world.release(), now=NOW))
    world.commit(finish_roll_back(world.files(), world.release(), now=NOW))


@pytest.fixture
def rolled_back(world: World) -> World:
    """Version 1 serves, and version 2, pull request 2, was rolled back."""
    world.serve(1)
    world.forge.merge(world.propose(2, champion=world.digest(1)).number)
    roll_it_back(world)
    return world


def test_a_candidate_that_was_rolled_back_gets_another_trial(rolled_back: World):
    made = again(rolled_back, 2, "the errors were the database's.")
    assert (made.number, made.state, made.draft) == (3, "open", False)
    assert made.title == rolled_back.pull_request(2).title
    assert made.body.startswith(
        "> **Proposed again**: it was pull request #2 before: the errors were the database's. "
        "Merging puts this version on trial beside `pumps-v1`. What follows was written then.\n\n"
        "**Put version 2 of `pumps` on trial**"
    )
    rolled_back.forge.merge(3)
    release = rolled_back.release()
    assert release.weights == {"pumps-v1": 100, "pumps-v2": 0}
    assert release.canary.score_distance == 0.031
    assert release.position.since == NOW + 500


def test_asking_twice_gives_the_same_pull_request(rolled_back: World):
    assert again(rolled_back, 2) == again(rolled_back, 2)


def test_a_run_finds_what_a_person_proposed_again(rolled_back: World):
    again(rolled_back, 2)
    registration, card = rolled_back.publish(2, rolled_back.digest(1))
    assert str(rolled_back.propose_again(registration, card)) == "proposed as pull request #3"


def test_a_candidate_may_come_as_often_as_people_ask(rolled_back: World):
    for number in (2, 3):
        rolled_back.forge.merge(again(rolled_back, number).number)
        roll_it_back(rolled_back)
    body = again(rolled_back, 4).body
    assert body.count("> **Proposed again**") == 1
    assert "it was pull request #4 before" in body


def test_what_people_mended_on_main_since_counts_for_the_new_trial(rolled_back: World):
    path = "pumps/rollout.yaml"
    mended = rolled_back.files()[path].replace(b"minSamples: 500", b"minSamples: 900")
    rolled_back.commit({path: mended})
    made = again(rolled_back, 2)
    proposed = read_release(rolled_back.files(made.head), "pumps")
    assert proposed.rollout.analysis.minSamples == 900


def test_a_candidate_that_was_refused_can_be_proposed_again(world: World):
    world.serve(1)
    world.propose(2)
    world.forge.close(2, "not on a Friday")
    made = again(world, 2)
    assert (made.number, made.state) == (3, "open")
    assert "their scores are not compared" in made.body.splitlines()[0]


def test_a_first_release_that_was_refused_can_be_proposed_again(world: World):
    world.propose(1)
    world.forge.close(1, "wait")
    world.forge.merge(again(world, 1).number)
    assert world.release().stable.version == 1


def test_it_waits_while_another_is_on_trial(rolled_back: World):
    rolled_back.publish(7)
    rolled_back.forge.merge(rolled_back.rollback(to="7").pull_request.number)
    made = again(rolled_back, 2)
    assert made.draft
    assert made.body.startswith("> **Draft**: waits for the rollout of version 7 to end.")


def test_what_serves_or_is_on_trial_is_not_proposed_again(world: World):
    world.serve(1)
    world.forge.merge(world.propose(2).number)
    with pytest.raises(ReleaseError, match="#1: version 1 serves already"):
        again(world, 1)
    with pytest.raises(ReleaseError, match="#2: version 2 is on trial already"):
        again(world, 2)


def test_what_has_been_overtaken_is_not_proposed_again(rolled_back: World):
    rolled_back.propose(3)
    with pytest.raises(ReleaseError, match=r"version 3 is proposed and is newer .* pr close 3"):
        again(rolled_back, 2)
    rolled_back.forge.merge(3)
    rolled_back.commit(promote(rolled_back.files(), rolled_back.release(), now=NOW))
    rolled_back.commit(finish_promotion(rolled_back.files(), rolled_back.release(), now=NOW))
    with pytest.raises(ReleaseError, match=r"version 3 serves and is newer .* --to 2"):
        again(rolled_back, 2)


def test_what_is_open_or_brought_no_candidate_is_told(world: World):
    world.serve(1)
    world.propose(2)
    with pytest.raises(ReleaseError, match="#2: it is open; merge it: `millrace pr merge 2`"):
        again(world, 2)
    world.publish(7)
    restore = world.rollback(to="7").pull_request.number
    with pytest.raises(ReleaseError, match="#3: it brought no candidate; found Restore pumps v7"):
        again(world, restore)


def test_a_bundle_that_is_gone_is_told(rolled_back: World):
    digest = rolled_back.digest(2)
    shutil.rmtree(next(rolled_back.root.glob(f"**/bundles/sha256/{digest}")))
    with pytest.raises(StoreError):
        again(rolled_back, 2)


def test_the_command_says_how_to_go_on(
    rolled_back: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("MILLRACE_HOME", str(rolled_back.settings.home))
    said = io.StringIO()
    monkeypatch.setattr(command, "console", Console(file=said, width=200))
    command.again(2, "once more", as_json=False)
    assert said.getvalue().splitlines()[0].startswith("Pull request #3: Release pumps v2: ")
    assert "`millrace pr show 3`, then `millrace pr merge 3`" in said.getvalue()
    command.again(2, "once more", as_json=True)
    assert json.loads(capsys.readouterr().out)["number"] == 3
