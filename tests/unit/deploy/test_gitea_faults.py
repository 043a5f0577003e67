"""What is wrong with Gitea, or with the settings that name it, is told in one line."""

from pathlib import Path
from urllib.parse import unquote

import pytest
from deploy_worlds import at_command
from fake_gitea import TOKEN, FakeGitea
from gitea_worlds import proposed, settings

from cli.status.gather import gather
from millrace.deploy import Forge, open_forge, open_repository
from millrace.deploy.address import without_login
from millrace.deploy.place import open_place
from millrace.errors import DeployError
from millrace.settings import Settings


def told(installation: Settings) -> str:
    forge: Forge = open_forge(installation)
    with pytest.raises(DeployError) as caught:
        forge.pull_requests()
    text = str(caught.value)
    assert "\n" not in text
    assert TOKEN not in text
    return text


@pytest.mark.parametrize(
    ("status", "content", "expected"),
    [
        (401, b'{"message": "token is required"}', "status 401; found token is required; set MILL"),
        (403, b'{"message": "no scope"}', "status 403; found no scope; give the token's user"),
        (404, b"<html>", "status 404; see that MILLRACE_DEPLOY_REPOSITORY names it"),
        (423, b"{}", "status 423; the repository is archived"),
        (502, b"<html>" * 1000, "status 502"),
        (302, b"", "status 302"),
        (200, b"<html>", "is no JSON, so it is not Gitea's API"),
        (200, b'[{"number": 1}]', "is not as Gitea tells a pull request"),
        (200, b'["x"]', "is not as Gitea tells a pull request"),
        (500, f'{{"message": "token {TOKEN} broke"}}'.encode(), "found token *** broke"),
    ],
)
def test_answers_that_are_no_help_are_told_in_a_line(
    installation: Settings, gitea: FakeGitea, status: int, content: bytes, expected: str
) -> None:
    open_repository(installation).head()
    gitea.noticed_empty = False
    gitea.broken["GET /api/v1/repos/owner/deploy/pulls"] = (status, content)
    text = told(installation)
    assert expected in text
    assert text.startswith(gitea.url)


def test_a_gitea_that_does_not_answer(tmp_path: Path, gitea: FakeGitea) -> None:
    installation = settings(tmp_path, gitea, timeout=0.8)
    open_repository(installation).head()
    gitea.broken["GET /api/v1/repos/owner/deploy/pulls"] = (0, b"")
    assert "Gitea did not answer within 0.8 s" in told(installation)


def test_a_gitea_that_is_not_there(tmp_path: Path, gitea: FakeGitea) -> None:
    nowhere = settings(tmp_path, gitea, forge_url="http://user:pw@127.0.0.1:9/base/")
    text = told(nowhere)
    assert "http://127.0.0.1:9/base/api/v1/repos/owner/deploy/pulls: Gitea refuses the conn" in text
    assert "pw" not in text


def test_a_token_that_gitea_does_not_know(tmp_path: Path, gitea: FakeGitea) -> None:
    wrong = settings(tmp_path, gitea, forge_token="wrong-token")
    with pytest.raises(DeployError, match=r"does not let us in.*see that MILLRACE_FORGE_TOKEN"):
        open_repository(wrong).head()
    none = settings(tmp_path, gitea, forge_token="")
    with pytest.raises(DeployError, match="does not let us in"):
        open_repository(none).head()


@pytest.mark.parametrize(
    ("repository", "expected"),
    [
        ("", "MILLRACE_DEPLOY_REPOSITORY: a forge needs the URL"),
        ("/srv/deploy.git", "a forge needs the URL"),
        ("http://host/", "a forge needs the URL"),
        ("git@host:owner/deploy.git", "MILLRACE_FORGE_URL: Gitea's base URL is not known"),
    ],
)
def test_settings_that_do_not_say_where_gitea_is(
    tmp_path: Path, repository: str, expected: str
) -> None:
    with pytest.raises(DeployError, match=expected):
        open_forge(Settings(home=tmp_path, forge="gitea", deploy_repository=repository))


def test_the_token_is_in_no_command_line_nor_file(
    installation: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with at_command(monkeypatch, -1) as ran:
        proposed(installation)
        open_forge(installation).merge(1)
    assert any(command[0] == "push" for command in ran)
    assert not any(TOKEN in part for command in ran for part in command)
    kept = b"".join(f.read_bytes() for f in installation.home.rglob("*/config") if f.is_file())
    assert TOKEN.encode() not in kept
    assert b"Authorization" not in kept


def test_a_password_in_the_url_is_in_no_command_line_file_nor_message(
    tmp_path: Path, gitea: FakeGitea, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"{gitea.url}/owner/deploy.git".replace("//", f"//ada:{TOKEN.replace('-', '%2D')}@")
    installation = Settings(home=tmp_path, deploy_repository=url)
    with at_command(monkeypatch, -1) as ran:
        proposed(installation)
        open_forge(installation).merge(1)
        with pytest.raises(DeployError, match="no such commit"):
            open_repository(installation).files("0" * 40, "churn")
    assert {"push", "fetch"} <= {command[0] for command in ran}
    assert not any(TOKEN in unquote(part) for command in ran for part in command)
    kept = b"".join(f.read_bytes() for f in tmp_path.rglob("*/config") if f.is_file())
    assert TOKEN.encode() not in kept
    assert TOKEN not in repr(open_place(installation))
    assert gather(installation).repository == f"{gitea.url}/owner/deploy.git"


def test_a_wrong_password_in_the_url_is_told_without_it(tmp_path: Path, gitea: FakeGitea) -> None:
    url = f"{gitea.url}/owner/deploy.git".replace("//", "//ada:wrong@")
    with pytest.raises(DeployError, match="does not let us in") as caught:
        open_repository(Settings(home=tmp_path, deploy_repository=url)).head()
    assert "wrong" not in str(caught.value)
    assert "ada" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://ada:p%40ss@host:8/a/b.git", ("https://host:8/a/b.git", "ada:p@ss")),
        ("https://tok3n@host/b.git", ("https://host/b.git", "tok3n:")),
        ("https://host/b@c.git", ("https://host/b@c.git", "")),
        ("ssh://git@host/b.git", ("ssh://git@host/b.git", "")),
        ("git@host:b.git", ("git@host:b.git", "")),
        ("/srv/a@b.git", ("/srv/a@b.git", "")),
    ],
)
def test_user_and_password_of_a_url_are_those_for_http(url: str, expected: tuple[str, str]) -> None:
    assert without_login(url) == expected


def test_a_netrc_of_whoever_runs_it_has_no_say(
    tmp_path: Path, installation: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login ada password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert proposed(installation).number == 1
