"""`millrace rollback` says what it proposed, and who merges it."""

from __future__ import annotations

import io
import json

import pytest
from release_worlds import NOW, SPEC, World
from rich.console import Console

from cli.commands import rollback as command
from millrace.errors import ReleaseError
from millrace.release import finish_promotion, promote


@pytest.fixture
def said(world: World, monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What the command prints, in the world's installation."""
    monkeypatch.setenv("MILLRACE_HOME", str(world.settings.home))
    text = io.StringIO()
    monkeypatch.setattr(command, "console", Console(file=text, width=200))
    return text


def serve_two(world: World) -> None:
    world.serve(1)
    world.forge.merge(world.propose(2).number)
    world.commit(promote(world.files(), world.release(), now=NOW))
    world.commit(finish_promotion(world.files(), world.release(), now=NOW))


def test_by_policy_it_is_merged_at_once(world: World, said: io.StringIO):
    serve_two(world)
    command.rollback("workloads/pumps", "", "it forgets", as_json=False)
    assert "Pull request #3: Restore pumps v1: it forgets" in said.getvalue()
    assert "version 1 gets all the traffic as soon as it is ready" in said.getvalue()
    assert world.release().canary.version == 1


def test_else_it_says_how_it_is_merged(world: World, said: io.StringIO):
    world.declare(SPEC + "  rollout: {policy: {rollback: review}}\n")
    serve_two(world)
    command.rollback("pumps", "v1", "", as_json=False)
    assert "for a review, as the workload's policy says: `millrace pr show 3`" in said.getvalue()
    assert "then `millrace pr merge 3`" in said.getvalue()
    assert world.release().canary is None


def test_a_bundle_that_never_served_is_told_as_the_reason_for_the_review(
    world: World, said: io.StringIO, monkeypatch: pytest.MonkeyPatch
):
    world.serve(1)
    world.publish(4)
    monkeypatch.setattr(command, "open_registry", lambda _settings: world.registry)
    command.rollback("pumps", "4", "", as_json=False)
    assert "for a review, because version 4 has not served before: `millrace" in said.getvalue()
    assert "policy" not in said.getvalue().partition("It waits")[2]


def test_scripts_get_json(world: World, said: io.StringIO, capsys: pytest.CaptureFixture[str]):
    serve_two(world)
    command.rollback("pumps", world.digest(1)[:10], "", as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert (told["pull_request"], told["serves"]["version"], told["leaves"]["version"]) == (3, 1, 2)
    assert told["merged"] == world.repository.head()
    assert said.getvalue() == ""


def test_nothing_to_go_back_to_ends_in_one_line(world: World, said: io.StringIO):
    with pytest.raises(ReleaseError, match="nothing is released"):
        command.rollback("pumps", "", "", as_json=False)
