"""`python -m tools.images` says what it built, or in one line why it could not."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CLASSIC = 'echo "Step 1/2 : FROM scratch"; echo "Step 2/2 : COPY code /app"'
BUILDKIT = 'echo "#5 [code 2/3] COPY code /app"; echo "#5 DONE 0.1s"'


class Checkout:
    """A folder with images to build, and a `docker` that a test writes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for role in ("mlflow", "rollout", "serving", "training"):
            (folder / "images" / role).mkdir(parents=True)
            (folder / "images" / role / "Dockerfile").write_text("FROM scratch\n")
        (folder / "pyproject.toml").write_text('[project]\nversion = "4.5.6"\n')
        (folder / "bin").mkdir()

    def docker(self, build: str, version: str = "echo 27.0") -> None:
        """Write what stands for docker; `build` and `version` are what these commands run."""
        file = self.folder / "bin/docker"
        file.write_text(
            '#!/bin/sh\necho "$@" >> asked\ncase $1 in\n'
            f"version) {version} ;;\nbuild) {build} ;;\nimage) echo 123000000 ;;\nesac\n"
        )
        file.chmod(0o755)

    @property
    def asked(self) -> str:
        """Return what docker was asked."""
        return (self.folder / "asked").read_text()

    def build(self, *roles: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the command."""
        return subprocess.run(
            [sys.executable, "-m", "tools.images", *roles],
            cwd=self.folder,
            env={
                **{
                    name: value for name, value in os.environ.items() if name != "MILLRACE_REGISTRY"
                },
                **{"PATH": str(self.folder / "bin") + ":/bin", "PYTHONPATH": str(ROOT)},
                **environment,
            },
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


@pytest.mark.parametrize("said", [CLASSIC, BUILDKIT])
def test_each_image_gets_a_line_with_its_seconds_and_size(checkout: Checkout, said: str) -> None:
    checkout.docker(said)
    done = checkout.build("serving", "mlflow")
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert re.fullmatch(r"millrace/serving:4\.5\.6 +\d+ s +123 MB", first)
    assert second.startswith("millrace/mlflow:4.5.6")
    assert "--file images/serving/Dockerfile" in checkout.asked
    assert "--label=org.opencontainers.image.version=4.5.6" in checkout.asked


def test_what_a_cluster_needs_is_built_when_nothing_is_named(checkout: Checkout) -> None:
    checkout.docker(CLASSIC)
    named = [line.split()[0] for line in checkout.build().stdout.splitlines()]
    assert named == [f"millrace/{role}:4.5.6" for role in ("serving", "rollout", "mlflow")]


def test_all_builds_every_role(checkout: Checkout) -> None:
    checkout.docker(CLASSIC)
    assert "millrace/training:4.5.6" in checkout.build("all").stdout


def test_images_are_named_for_a_registry_of_ones_own(checkout: Checkout) -> None:
    checkout.docker(CLASSIC)
    done = checkout.build("serving", MILLRACE_REGISTRY="registry.example/acme/")
    assert done.stdout.startswith("registry.example/acme/serving:4.5.6 ")


def test_the_commit_reaches_only_images_that_ask_for_it(checkout: Checkout) -> None:
    (checkout.folder / "images/training/Dockerfile").write_text("FROM scratch\nARG COMMIT\n")
    checkout.docker(CLASSIC)
    assert checkout.build("training", "serving").returncode == 0
    builds = [line for line in checkout.asked.splitlines() if line.startswith("build")]
    assert ["--build-arg=COMMIT=" in line for line in builds] == [True, False]


def test_a_role_that_does_not_exist_is_answered_with_the_nearest(checkout: Checkout) -> None:
    checkout.docker(CLASSIC)
    done = checkout.build("servin")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("images: servin: there is no such role; expected one of mlflow, ")
    assert done.stderr.endswith("did you mean 'serving'?\n")


def test_a_build_that_fails_says_why_and_where_its_log_is(checkout: Checkout) -> None:
    command = "The command '/bin/sh -c sh' returned a non-zero code: 1"
    checkout.docker(
        f"{CLASSIC}; printf '\\033[91mno space left on device\\033[0m\\n' >&2; "
        f'echo "{command}" >&2; exit 1'
    )
    done = checkout.build("serving", "mlflow")
    assert done.returncode == 1
    assert done.stderr == (
        "images: serving: the image was not built; found no space left on device; "
        "all of it is in build/logs/image-serving.log\n"
    )
    assert "build --force-rm " in checkout.asked  # no container of it is left
    log = (checkout.folder / "build/logs/image-serving.log").read_text()
    assert "Step 2/2 : COPY code /app" in log


def test_a_machine_without_docker_is_told_to_install_it(checkout: Checkout) -> None:
    done = checkout.build("serving", PATH=str(checkout.folder / "bin"))
    assert done.returncode == 1
    assert done.stderr.startswith("images: docker is not installed; install it")


def test_a_daemon_that_is_not_there_is_told_in_one_line(checkout: Checkout) -> None:
    checkout.docker(CLASSIC, version='echo "Cannot connect to the Docker daemon" >&2; exit 1')
    done = checkout.build("serving", DOCKER_HOST="unix:///no/socket")
    assert done.returncode == 1
    assert done.stderr == (
        "images: unix:///no/socket: the docker daemon does not answer; found Cannot connect to "
        "the Docker daemon; start it (systemctl start docker), or set DOCKER_HOST to one that "
        "runs\n"
    )
