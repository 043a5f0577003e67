"""A deploy repository of one's own."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from deploy_worlds import World
from fake_gitea import FakeGitea
from gitea_http import gitea_server
from gitea_worlds import settings

from millrace.settings import Settings


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the settings of whoever runs the tests, and their identity in Git."""
    for name in [name for name in os.environ if name.startswith(("MILLRACE_", "GIT_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return a deploy repository that nobody has used yet."""
    return World(tmp_path)


@pytest.fixture
def gitea(tmp_path: Path) -> Iterator[FakeGitea]:
    with gitea_server(tmp_path / "server.git") as server:
        yield server


@pytest.fixture
def installation(tmp_path: Path, gitea: FakeGitea) -> Settings:
    return settings(tmp_path, gitea)
