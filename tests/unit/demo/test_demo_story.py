"""The demonstration tells what went wrong in one line, and leaves nothing running."""

import io
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from millrace.analysis import IndicatorEvidence, Judgement
from millrace.errors import MillraceError
from millrace.settings import Settings
from serving.rollout.status import RolloutStatus, status_file
from tools.demo import commands
from tools.demo.follow import Follower
from tools.demo.scene import Scene, fresh_scene
from tools.demo.story import SMOOTH, Story
from tools.demo.timeline import Timeline

ROOT = Path(__file__).parents[3]
Stand = Callable[[str], Scene]


@pytest.fixture
def stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stand:
    """Return what makes a scene whose `millrace` is a shell script."""

    def made(script: str) -> Scene:
        program = tmp_path / "bin" / "millrace"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(program.with_name("python")))
        return fresh_scene()

    shutil.copytree(ROOT / "workloads/churn", tmp_path / "workloads/churn")
    rows = "".join(f"{number}\n" for number in range(10))
    data = tmp_path / "workloads/churn/data/telco.csv"
    data.parent.mkdir(exist_ok=True)
    data.write_text(f"customerID\n{rows}")
    monkeypatch.chdir(tmp_path)
    return made


@pytest.fixture
def console() -> Console:
    return Console(record=True, width=200, file=io.StringIO())


@pytest.fixture
def timeline(console: Console) -> Timeline:
    return Timeline(console)


def test_a_red_gate_ends_the_story_by_its_name(stand: Stand, timeline: Timeline) -> None:
    scene = stand('echo "millrace: churn: 1 of 9 gates failed: p99 latency <= 5 ms" >&2; exit 1')
    with pytest.raises(MillraceError, match=r"^churn: 1 of 9 gates failed: p99 latency <= 5 ms$"):
        Story(scene, timeline).tell()


def test_a_run_that_proposes_nothing_ends_the_story_in_a_line(
    stand: Stand, timeline: Timeline
) -> None:
    scene = stand("exit 0")
    with pytest.raises(MillraceError, match="no pull request asks to release anything"):
        Story(scene, timeline).tell()


def test_the_third_candidate_is_the_module_of_churn_with_one_function_changed(
    stand: Stand,
) -> None:
    scene = stand("exit 0")
    before = (scene.workload / "model.py").read_text()
    scene.revise(*SMOOTH)
    after = (scene.workload / "model.py").read_text()
    assert (before.count(SMOOTH[0]), after.count(SMOOTH[1])) == (1, 1)
    with pytest.raises(MillraceError, match=r"model\.py: does not have what the story changes"):
        scene.revise(*SMOOTH)


def test_a_command_that_does_not_obey_is_ended_by_force(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = stand("trap '' TERM; sleep 60 & echo deaf; wait; wait")
    monkeypatch.setattr(commands, "PATIENCE", 0.1)
    command = scene.millrace.start("run")
    assert next(command.lines()) == "deaf"
    started = psutil.Process().children(recursive=True)
    commands.end_commands()
    deadline = time.monotonic() + 10
    while any(map(runs, started)):
        assert time.monotonic() < deadline, "a process stays"


def runs(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def test_a_roll_back_is_told_with_errors_and_slow_answers_of_both_arms(
    tmp_path: Path, console: Console, timeline: Timeline
) -> None:
    settings = Settings(home=tmp_path)
    indicators = [
        IndicatorEvidence(
            indicator=name,
            finding="worse",
            stable_events=1203,
            stable_bad=stable,
            canary_events=88,
            canary_bad=canary,
            tolerance=0.01,
            evidence_worse=2.0,
            evidence_no_worse=-1.0,
            evidence_promotion=-3.0,
            needed=1.3,
        )
        for name, stable, canary in (("errors", 0, 12), ("slow", 3, 31))
    ]
    judgement = Judgement(
        verdict="roll back", reason="errors", samples=88, indicators=indicators, intervals=3
    )
    RolloutStatus(
        workload="churn",
        phase="progressing",
        step=1,
        steps=3,
        since=0.0,
        started=0.0,
        canary="churn-v3",
        verdict="roll back",
        reason="errors",
        judgement=judgement,
        written=0.0,
    ).write(status_file(settings, "churn"))
    Follower(settings, "churn", timeline).look()
    told = console.export_text()
    assert "the canary: 12 errors and 31 slow answers of 88" in told
    assert "the stable arm: 0 and 3 of 1,203" in told
