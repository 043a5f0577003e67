"""Gitea's account and token: in no command line, and a new token reaches who works with it."""

import base64
import json

import pytest

from tests.unit.kind.kind_world import Machine
from tools.kind import platform
from tools.kind.cluster import Kind
from tools.kind.gitea import Gitea

PASSWORD = "the-password"  # not a secret
RESTART = "kubectl --context kind-millrace rollout restart deployment/millrace-rollout"


class EmptyGitea(Gitea):
    """A Gitea that was just started; `token` is the one that it takes."""

    token = ""
    known = False

    def answers(self) -> bool:
        return True

    def knows_us(self) -> bool:
        return self.known

    def takes(self, token: str) -> bool:
        return token == self.token

    def make_repository(self) -> None:
        return

    def new_token(self) -> str:
        return "new"


@pytest.fixture
def forge(machine: Machine) -> Machine:
    """Lend a machine whose kubectl keeps what it is given, and has the Secret `secret.json`."""
    machine.write(
        "kubectl",
        'case "$*" in\n*"get secret"*) cat secret.json ;;\n*exec*) cat > exec ;;\n'
        "*apply*) cat > applied ;;\nesac",
    )
    return machine


def write(machine: Machine, **values: str) -> None:
    data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
    (machine.folder / "secret.json").write_text(json.dumps(data))


def test_the_password_of_gitea_is_in_no_command_line(
    forge: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "Gitea", EmptyGitea)
    write(forge, password=PASSWORD)
    platform._make_deploy_repository(Kind())
    assert (forge.folder / "exec").read_text() == f"{PASSWORD}\n"
    assert any("gitea admin user create" in line for line in forge.asked)
    assert not any(PASSWORD in line for line in forge.asked)


@pytest.mark.parametrize(
    ("kept", "takes", "restarted"),
    [("", "", False), ("old", "old", False), ("old", "another", True)],
)
def test_only_a_token_in_the_place_of_another_restarts_the_rollout_controller(
    forge: Machine, kept: str, takes: str, restarted: bool
) -> None:
    write(forge, password=PASSWORD, **({"token": kept} if kept else {}))
    gitea = EmptyGitea(PASSWORD)
    gitea.token = takes
    platform.keep_token(Kind(), gitea, PASSWORD)
    restarts = [line for line in forge.asked if line.startswith(RESTART)]
    assert len(restarts) == restarted
    applied = forge.folder / "applied"
    assert applied.exists() is (kept == "" or restarted)
    if restarted:
        assert json.loads(applied.read_text())["stringData"]["token"] == "new"
