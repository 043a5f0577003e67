from pathlib import Path

import pytest

from tests.unit.kind.kind_world import Machine


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Lend a machine whose programs the test writes, and work in its folder."""
    made = Machine(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", made.environment["PATH"])
    monkeypatch.delenv("MILLRACE_CLUSTER_TOOLS", raising=False)
    return made
