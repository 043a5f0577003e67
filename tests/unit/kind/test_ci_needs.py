"""`.ci/run` says before all work what a machine lacks to make a cluster."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.unit.kind.kind_world import ROOT

VALUES = "helm/millrace/values-kind.yaml"


class Checkout:
    """The project as `.ci/run` finds it, on a machine that has only some programs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "project"
        self.bin = folder / "bin"
        for file in (".ci/run", VALUES):
            (self.folder / file).parent.mkdir(parents=True)
            shutil.copy(ROOT / file, self.folder / file)
        self.bin.mkdir()
        for program in ("bash", "dirname", "sed"):
            (self.bin / program).symlink_to(Path("/bin", program))
        self.write("apt-get", "python3.11", "redis-server", "prometheus", "make", "git", "go")

    def write(self, *programs: str, does: str = "true") -> None:
        """Write what stands for programs; `does` is what they run."""
        for program in programs:
            file = self.bin / program
            file.write_text(f'#!/bin/bash\necho "{program} $*" >> {self.folder}/asked\n{does}\n')
            file.chmod(0o755)

    @property
    def asked(self) -> list[str]:
        """Return what programs were asked."""
        file = self.folder / "asked"
        return file.read_text().splitlines() if file.exists() else []

    def run(self) -> subprocess.CompletedProcess[str]:
        """Run it."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("MILLRACE_")}
        return subprocess.run(
            [self.folder / ".ci/run"],
            env={**kept, "PATH": str(self.bin)},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_what_is_to_be_installed_is_told_with_its_versions_before_all_work(
    checkout: Checkout,
) -> None:
    of = yaml.safe_load((ROOT / VALUES).read_text())["dependencies"]
    checkout.write("kubectl")
    done = checkout.run()
    assert done.returncode == 1
    assert done.stderr == (
        f".ci/run: not installed: kind {of['kind']['version']}, helm {of['helm']['version']}; "
        "install them, or name a folder of commands in MILLRACE_CLUSTER_TOOLS "
        "(docs/kubernetes.md)\n"
    )
    assert checkout.asked == []


def test_a_docker_that_does_not_answer_is_told_before_the_tests(checkout: Checkout) -> None:
    checkout.write("kind", "kubectl", "helm")
    checkout.write("docker", does="exit 1")
    done = checkout.run()
    assert done.returncode == 1
    assert done.stderr.startswith(".ci/run: the docker daemon does not answer; start it")
    assert not [line for line in checkout.asked if line.startswith("make")]


def test_a_machine_that_has_all_goes_on_to_the_checks(checkout: Checkout) -> None:
    checkout.write("kind", "kubectl", "helm", "docker")
    done = checkout.run()
    assert done.returncode == 0, done.stderr
    asked = [line for line in checkout.asked if line.startswith("make")]
    assert asked[1:] == ["make lint", "make check", "make test", "make test-cluster"]
