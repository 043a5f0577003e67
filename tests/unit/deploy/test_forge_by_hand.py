"""Plain git on the branches of pull requests, by people and by kills."""

from contextlib import suppress

import pytest
from deploy_worlds import BRANCH, PERSON, KilledError, World, at_command

from millrace.deploy import PullRequest, open_forge
from millrace.errors import ConflictError


def proposed(world: World, **more: object) -> PullRequest:
    head = world.repository().head()
    said = {"title": "Release churn-v8", "body": "# Evidence\n", **more}
    return world.forge().propose(BRANCH, head, {"churn/x": b"8\n"}, **said)  # type: ignore[arg-type]


def test_a_person_who_deletes_the_branch_has_closed_it(world: World) -> None:
    there = proposed(world)
    world.person_deletes(BRANCH)
    assert world.forge().get(1) == there.model_copy(update={"state": "closed"})
    assert world.forge().pull_requests() == []
    with pytest.raises(ConflictError, match="it is closed already"):
        world.forge().merge(1)
    assert proposed(world).number == 2
    assert [one.state for one in world.forge().pull_requests(state="all")] == ["open", "closed"]


@pytest.mark.parametrize("deletes", [False, True])
def test_a_person_who_merges_the_branch_has_merged_it(world: World, deletes: bool) -> None:
    there = proposed(world)
    merged = world.person_merges(BRANCH)
    if deletes:
        world.person_deletes(BRANCH)
    found = world.forge().get(1)
    assert (found.state, found.head) == ("merged", there.head)
    with pytest.raises(ConflictError, match="it is merged already"):
        world.forge().merge(1)
    again = world.forge().propose(BRANCH, merged, {"churn/x": b"9\n"}, title="T", body="")
    assert (again.number, again.state) == (2, "open")
    assert world.forge().get(1).state == "merged"


def test_a_branch_that_a_kill_left_without_a_record_is_completed(world: World) -> None:
    world.repository().head()
    made = world.person_commits("main")
    world.git("update-ref", "refs/heads/main", f"{made}^")
    world.git("update-ref", f"refs/heads/{BRANCH}", made)
    assert world.forge().find(BRANCH) is None
    there = proposed(world)
    assert (there.number, there.head) == (1, made)


def test_a_branch_that_a_merge_left_is_used_again(world: World) -> None:
    there = proposed(world)
    merged = world.forge().merge(1)
    world.git("update-ref", f"refs/heads/{BRANCH}", there.head)
    again = world.forge().propose(BRANCH, merged, {"churn/x": b"9\n"}, title="T", body="")
    assert (again.number, again.state) == (2, "open")
    assert world.git("show", f"{BRANCH}:churn/x") == "9"


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("number", range(0, 12, 2))
def test_what_is_killed_is_done_or_not_and_may_be_done_again(
    world: World, number: int, after: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill() -> None:
        raise KilledError

    hook = {"after": kill} if after else {"before": kill}
    for attempt in (lambda: proposed(world), lambda: world.forge().merge(1)):
        with at_command(monkeypatch, number, **hook), suppress(KilledError):
            attempt()
        try:
            attempt()
        except ConflictError as error:
            assert "merged already" in str(error)
    assert [one.state for one in world.forge().pull_requests(state="all")] == ["merged"]
    assert world.git("rev-list", "--count", "--first-parent", "main") == "2"
    assert world.git("branch", "--list", BRANCH) == ""


def test_merges_of_a_person_bear_their_name(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    proposed(world)
    config = world.home / "config"
    config.write_text(
        f"[user]\nname = {PERSON['GIT_AUTHOR_NAME']}\nemail = {PERSON['GIT_AUTHOR_EMAIL']}\n"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    open_forge(world.settings, person=True).merge(1)
    told = "%an <%ae> %cn <%ce>"
    assert world.git("log", "-1", f"--format={told}", "main") == (
        "Ada <ada@example.org> Ada <ada@example.org>"
    )
    assert world.git("log", "-1", "--format=%cn", "main^2") == "Millrace"
