"""A cluster that is whole is left, and one that an interruption left half made is made anew."""

import shutil
from pathlib import Path

import pytest

from tests.unit.kind.kind_world import Machine
from tools.kind import cluster as module
from tools.kind.cluster import Kind, Scripts

NODES = '[ $1 != ps ] || [ ! -e node ] || [ "$2" != --all -a ! -e running ] || echo a-node'
KIND = """case "$1 $2" in
"create cluster") touch node running ;;
"delete cluster") rm -f node running whole ;;
"export kubeconfig") [ -e kubeconfig ] ;;
esac"""

KUBECTL = """case "$*" in
*readyz) [ -e answers ] ;;
*storageclass*) [ ! -e whole ] || echo storageclass/standard ;;
esac"""


@pytest.fixture
def half(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Lend a machine with a node that runs, and has no Kubernetes yet."""
    monkeypatch.setattr(module, "PATIENCE", 0.0)
    machine.write("docker", f"[ $1 != start ] || touch running\n{NODES}")
    machine.write("kind", KIND)
    machine.write("kubectl", KUBECTL)
    for name in ("node", "running"):
        (machine.folder / name).touch()
    return machine


def changes(machine: Machine) -> list[str]:
    """Return what was asked that changes something."""
    changing = ("kind create", "kind delete", "docker start", "scripts")
    return [" ".join(one.split()[:2]) for one in machine.asked if one.startswith(changing)]


def finish(machine: Machine) -> None:
    for name in ("kubeconfig", "answers", "whole"):
        (machine.folder / name).touch()


@pytest.mark.parametrize("there", [(), ("kubeconfig",), ("kubeconfig", "answers")])
def test_a_cluster_whose_making_was_interrupted_is_made_anew(
    half: Machine, there: tuple[str, ...]
) -> None:
    for name in there:
        (half.folder / name).touch()
    Kind().up()
    assert changes(half) == ["docker start", "kind delete", "kind create"]
    assert sum("kubectl" in line for line in half.asked) == len(there)


def test_a_cluster_that_is_whole_is_left(half: Machine) -> None:
    finish(half)
    Kind().up()
    assert changes(half) == ["docker start"]


def test_a_cluster_that_is_stopped_is_started(half: Machine) -> None:
    finish(half)
    (half.folder / "running").unlink()
    Kind().up()
    assert changes(half) == ["docker start"]
    assert (half.folder / "running").exists()


def test_a_machine_without_a_cluster_gets_one(half: Machine) -> None:
    (half.folder / "node").unlink()
    Kind().up()
    assert changes(half) == ["kind create"]


@pytest.mark.parametrize(
    ("whole", "asked"), [(False, ["scripts down", "scripts up"]), (True, ["scripts up"])]
)
def test_commands_of_a_folder_are_asked_to_make_anew_what_is_half_made(
    half: Machine, tmp_path: Path, whole: bool, asked: list[str]
) -> None:
    if whole:
        finish(half)
    folder = tmp_path / "commands"
    folder.mkdir()
    for name, does in {"up": "", "down": "rm node running"}.items():
        file = folder / name
        file.write_text(f'#!/bin/sh\necho "scripts {name}" >> {half.folder}/asked\n{does}\n')
        file.chmod(0o755)
    shutil.copy("/bin/true", folder / "env")  # it prints exports, and here are none
    Scripts(folder).up()
    assert changes(half) == asked
