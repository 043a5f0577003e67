"""Images get names after their content for the cluster, which go with it."""

import pytest

from tests.unit.kind.kind_world import ROOT, Machine
from tools.kind.cluster import Kind
from tools.kind.local_images import bring_images


@pytest.fixture
def built(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Lend a machine that has the images in the state of the file `layers`."""
    for role in ("serving", "rollout", "mlflow"):
        (machine.folder / "images" / role).mkdir(parents=True)
        (machine.folder / "images" / role / "Dockerfile").write_text("FROM scratch\n")
    machine.write(
        "docker",
        'case "$*" in\n*RootFS*) cat layers ;;\n*.Size*) echo 1000000 ;;\n'
        "ps*) ;;\n*) echo fine ;;\nesac",
    )
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("MILLRACE_REGISTRY", raising=False)
    return machine


def test_kind_down_takes_away_the_names_that_every_kind_up_gave(built: Machine) -> None:
    tags: list[str] = []
    for content in ("one", "two", "two"):
        (built.folder / "layers").write_text(content)
        tags += bring_images(Kind()).values()
    done = built.python("-m", "tools.kind", "down")
    assert done.returncode == 0, done.stderr
    (removed,) = [line.split()[3:] for line in built.asked if line.startswith("docker image rm")]
    assert {name.rpartition(":")[2] for name in removed} == set(tags)
    assert len(removed) == len(set(removed)) == 3 * 2
    assert all(name.startswith("millrace/") for name in removed)
    assert not (built.folder / "build/kind").exists()


def test_kind_down_after_no_kind_up_asks_for_no_image(built: Machine) -> None:
    assert built.python("-m", "tools.kind", "down").returncode == 0
    assert not [line for line in built.asked if "image" in line]
