"""A command that meets a broken place says so in one line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.commands.compile import compile_
from cli.commands.show import show
from cli.find import find_run
from millrace.errors import MillraceError, PipelineError
from millrace.settings import Settings
from pipelines.local.lock import only_run
from pipelines.local.runner import run_pipeline


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("MILLRACE_HOME", str(tmp_path / "home"))
    return Settings(home=tmp_path / "home")


@pytest.fixture(params=["a file", "under a file", "nobody may write there"])
def unusable(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Return settings whose home cannot be used."""
    (tmp_path / "file").touch()
    homes = {
        "a file": tmp_path / "file",
        "under a file": tmp_path / "file" / "home",
        "nobody may write there": Path("/proc/nope"),
    }
    return Settings(home=homes[request.param])


def test_a_home_that_cannot_be_used_is_told(unusable: Settings) -> None:
    told = r"cannot be made: .*; set MILLRACE_HOME"
    with pytest.raises(MillraceError, match=told) as caught, only_run(unusable, "churn"):
        pass
    assert "\n" not in str(caught.value)
    log = unusable.store_folder / "runs" / "x" / "log.txt"
    with pytest.raises(MillraceError, match=told):
        run_pipeline(Path("none.yaml"), {}, unusable, log, lambda _: None)


def test_a_lock_that_cannot_be_opened_is_told(settings: Settings) -> None:
    (settings.home / "locks" / "churn").mkdir(parents=True)
    told = r"locks/churn: cannot be written: .*MILLRACE_HOME"
    with pytest.raises(MillraceError, match=told), only_run(settings, "churn"):
        pass


def test_the_command_ends_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "home").touch()
    workload = Path(__file__).parents[3] / "workloads" / "churn"
    done = subprocess.run(
        [sys.executable, "-m", "cli", "run", str(workload)],
        env={**os.environ, "MILLRACE_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"millrace: {tmp_path}/home")
    assert "set MILLRACE_HOME" in done.stderr


@pytest.mark.parametrize("check", [False, True])
def test_a_folder_that_cannot_be_compiled_to_is_told(tmp_path: Path, check: bool) -> None:
    (tmp_path / "out").touch()
    for folder in (Path("/proc/nope"), tmp_path / "out"):
        with pytest.raises(PipelineError, match=str(folder)) as caught:
            compile_(folder, "millrace", "0.1.0", check=check)
        assert ("--output" in str(caught.value)) != check


@pytest.mark.parametrize(
    "content", [b"", b"no JSON", b"[]", b'{"run": "churn-1-a", "since": "another version"}']
)
def test_a_broken_summary_is_told(settings: Settings, content: bytes) -> None:
    folder = settings.store_folder / "runs" / "churn-1-a"
    folder.mkdir(parents=True)
    (folder / "summary.json").write_bytes(content)
    for named in ("churn", "churn-1-a"):
        with pytest.raises(MillraceError, match=f"^{folder}/summary.json.*millrace run") as caught:
            find_run(named, settings)
        assert "\n" not in str(caught.value)
        with pytest.raises(MillraceError, match="is no RunSummary document"):
            show(named, as_json=True)


@pytest.mark.parametrize("content", ["", "no JSON", "[]", json.dumps({"workload": "churn"})])
def test_a_broken_card_is_told(settings: Settings, content: str) -> None:
    folder = settings.store_folder / "bundles" / "sha256" / ("a" * 64)
    folder.mkdir(parents=True)
    (folder / "card.json").write_text(content)
    with pytest.raises(MillraceError, match=f"^{folder}/card.json.*is no Card document") as caught:
        show("a" * 12, as_json=False)
    assert "\n" not in str(caught.value)
    assert "millrace run" in str(caught.value)
