"""An installation whose deploy repository is on the small Gitea."""

from __future__ import annotations

from pathlib import Path

from deploy_worlds import BRANCH
from fake_gitea import TOKEN, FakeGitea

from millrace.deploy import PullRequest, open_forge, open_repository
from millrace.settings import Settings


def settings(home: Path, gitea: FakeGitea, **more: object) -> Settings:
    said = {"deploy_repository": f"{gitea.url}/owner/deploy.git", "forge_token": TOKEN, **more}
    return Settings(home=home, forge="gitea", **said)  # type: ignore[arg-type]


def proposed(installation: Settings, parent: str = "", **more: object) -> PullRequest:
    head = parent or open_repository(installation).head()
    said = {"title": "Release churn-v8", "body": "# Evidence\n", **more}
    return open_forge(installation).propose(BRANCH, head, {"churn/x": b"8\n"}, **said)  # type: ignore[arg-type]
