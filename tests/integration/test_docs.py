"""Every command in the documentation works as it stands there."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.integration.conftest import Laptop

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("churn")]

PAGES = [Path("README.md"), *sorted(Path("docs").glob("*.md"))]


def commands(page: Path) -> list[str]:
    blocks = re.findall(r"```console\n(.*?)```", page.read_text(), re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    assert all(line.startswith("$ ") for line in lines), page
    return [line.removeprefix("$ ") for line in lines]


@pytest.fixture(scope="session")
def demonstrated(churn_laptop: Laptop) -> Laptop:
    """Return a laptop on which `make demo` was run: it is `millrace run workloads/churn`."""
    assert churn_laptop.millrace("run", "workloads/churn").returncode == 0
    return churn_laptop


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=str)
def test_every_command_of_a_page_works(page: Path, demonstrated: Laptop) -> None:
    for command in commands(page):
        program, *arguments = shlex.split(command)
        if program == "make":
            done = subprocess.run(
                ["make", "-n", *arguments], capture_output=True, text=True, check=False
            )
        elif program == "millrace":
            done = demonstrated.millrace(*arguments)
        else:
            assert command == "source .venv/bin/activate"
            continue
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        assert (page.parent / target).exists(), f"{page}: {target}"


def test_every_setting_is_documented() -> None:
    from millrace.settings import Settings

    text = Path("docs/runs.md").read_text()
    for name in Settings.model_fields:
        assert f"`MILLRACE_{name.upper()}`" in text


def test_make_help_explains_every_target() -> None:
    makefile = Path("Makefile").read_text()
    targets = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert targets is not None
    told = subprocess.run(["make", "help"], capture_output=True, text=True, check=True).stdout
    explained = {line.split()[0] for line in told.splitlines()}
    assert explained == set(targets[1].split())
