"""An installation whose deploy repository is on the small Gitea."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from deploy_worlds import BRANCH, World
from fake_gitea import TOKEN, FakeGitea
from gitea_http import gitea_server

from millrace.deploy import Forge, PullRequest, Repository, open_forge, open_repository
from millrace.settings import Settings


def settings(home: Path, gitea: FakeGitea, **more: object) -> Settings:
    said = {"deploy_repository": f"{gitea.url}/owner/deploy.git", "forge_token": TOKEN, **more}
    return Settings(home=home, forge="gitea", **said)  # type: ignore[arg-type]


def proposed(installation: Settings, parent: str = "", **more: object) -> PullRequest:
    head = parent or open_repository(installation).head()
    said = {"title": "Release churn-v8", "body": "# Evidence\n", **more}
    return open_forge(installation).propose(BRANCH, head, {"churn/x": b"8\n"}, **said)  # type: ignore[arg-type]


class GiteaWorld(World):
    """A deploy repository on the small Gitea, seen by clients that share nothing else."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.server = ExitStack()
        self.gitea = self.server.enter_context(gitea_server(home / "server.git"))
        self.folder = self.gitea.folder

    def repository(self, client: str = "") -> Repository:
        return open_repository(settings(self.home / f"of-{client}", self.gitea))

    def forge(self, client: str = "") -> Forge:
        return open_forge(settings(self.home / f"of-{client}", self.gitea))
