"""Every command in the documentation works as it stands there."""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.conftest import Laptop
from tests.integration.predictors import free_ports

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("docs")]

PAGES = [Path("README.md"), *sorted(Path("docs").glob("*.md"))]


def commands(page: Path) -> list[str]:
    blocks = re.findall(r"```console\n(.*?)```", page.read_text(), re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    assert all(line.startswith("$ ") for line in lines), page
    return [line.removeprefix("$ ") for line in lines]


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    """Lend a laptop on which churn was run once, with flights; its gateway has its own port."""
    laptop = Laptop(tmp_path_factory.mktemp("documented"))
    for name in ("churn", "flights"):
        shutil.copytree(Path("workloads") / name, laptop.workload(name))
    [port] = free_ports(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MILLRACE_GATEWAY_PORT", str(port))
        assert laptop.millrace("run", "workloads/churn").returncode == 0
        yield laptop
        laptop.millrace("down")


@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=str)
def test_every_command_of_a_page_works(page: Path, laptop: Laptop) -> None:
    for command in commands(page):
        program, *arguments = shlex.split(command)
        if program == "make":
            done = subprocess.run(
                ["make", "-n", *arguments], capture_output=True, text=True, check=False
            )
        elif program == "millrace":
            done = laptop.millrace(*arguments)
        else:
            assert command == "source .venv/bin/activate"
            continue
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_link_within_the_documentation_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", page.read_text())
    for target in (one for one in targets if not one.startswith("https://")):
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
    plain = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    told = subprocess.run(
        ["make", "--no-print-directory", "help"],
        env=plain,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    explained = {line.split()[0] for line in told.splitlines()}
    assert explained == set(targets[1].split())


def test_make_clean_removes_what_make_made_and_nothing_else(tmp_path: Path) -> None:
    shutil.copytree("tools", tmp_path / "tools")
    made = ["workloads/churn/data/telco.csv", "build/bench.json", ".millrace/store/runs/churn-1/x"]
    users = ["workloads/churn/data/own.csv", "build/report.html", ".millrace/store/runs/mine-1/x"]
    for name in (*made, *users, *(f"{package}/x" for package in PACKAGES)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    clean = [str(tmp_path / "tools" / "clean")]
    done = subprocess.run(clean, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert [line.split()[2] for line in done.stdout.splitlines()] == [
        *(".millrace:", "workloads/churn/data:", "build:")
    ]
    assert not any((tmp_path / name).exists() for name in made[:2])
    assert all((tmp_path / name).exists() for name in users)
    for name in users:
        (tmp_path / name).unlink()
    (tmp_path / users[2]).parent.rmdir()
    done = subprocess.run(clean, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert not any((tmp_path / name).exists() for name in ("build", ".millrace"))


PACKAGES = [
    *("millrace", "components", "pipelines", "serving", "cli"),
    *("workloads", "benchmarks", "tests"),
]
