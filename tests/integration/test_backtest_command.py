"""`millrace run --backtest` as a process: what it prints, how it ends, how it goes on."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import MILLRACE, Laptop
from tests.workloads.rentals_data import write_rentals

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("backtest")]

COMMAND = ("run", "rentals", "--backtest", "2024-03-21..2024-04-05", "--every", "5d")
TURNS = 4


def made(folder: Path) -> Laptop:
    laptop = Laptop(folder)
    write_rentals(laptop.workload("rentals"))
    model = laptop.workload("rentals") / "model.py"
    laptop.edit(model, lambda code: f'{code}\nprint("a model is loaded")\n')
    return laptop


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> tuple[Laptop, dict[str, Any]]:
    """Return a laptop with a backtest that nothing disturbed, and what that said as JSON."""
    laptop = made(tmp_path_factory.mktemp("calm"))
    done = laptop.millrace(*COMMAND, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    return laptop, json.loads(done.stdout)


@contextlib.contextmanager
def started(laptop: Laptop, *command: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [MILLRACE, *command],
        cwd=laptop.folder,
        env=laptop.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for(condition: Callable[[], object], what: str, deadline: float = 120) -> None:
    end = time.monotonic() + deadline
    while not condition():
        assert time.monotonic() < end, f"not within {deadline} s: {what}"
        time.sleep(0.01)


def turns_kept(laptop: Laptop) -> list[Path]:
    return sorted(laptop.home.glob("backtests/rentals/*/turns/*/turn.json"))


def at_work(laptop: Laptop, step: str) -> bool:
    """Return whether a turn has come as far as a folder that a step makes."""
    return any(laptop.home.glob(f"backtests/rentals/*/scratch/{step}"))


def interrupted(laptop: Laptop, number: signal.Signals, turns: int) -> tuple[int, str]:
    """Start a backtest, end it in the training after some turns, and return how that went."""
    with started(laptop, *COMMAND) as process:
        wait_for(lambda: len(turns_kept(laptop)) == turns, f"{turns} turns are kept")
        wait_for(lambda: not at_work(laptop, "exported"), "the next has begun")
        wait_for(lambda: at_work(laptop, "model"), "it trains")
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
        return process.returncode, errors


def settled(told: dict[str, Any]) -> dict[str, Any]:
    """Return what a backtest says, but for what a clock or a folder has to do with."""
    turns = [{**turn, "seconds": 0} for turn in told["turns"]]
    return {key: value for key, value in told.items() if key != "places"} | {"turns": turns}


def test_json_is_all_that_is_printed_whatever_the_workloads_code_prints(
    calm: tuple[Laptop, dict[str, Any]],
) -> None:
    laptop, told = calm
    assert len(told["turns"]) == told["planned"] == TURNS
    assert {"report", "result", "log"} == set(told["places"])
    assert "a model is loaded" in Path(told["places"]["log"]).read_text()
    kept = json.loads(Path(told["places"]["result"]).read_text())
    assert all(told[key] == value for key, value in kept.items())
    assert sorted(path.name for path in laptop.home.iterdir()) == ["backtests", "locks"]


def test_the_page_says_what_the_json_says(calm: tuple[Laptop, dict[str, Any]]) -> None:
    _, told = calm
    page = Path(told["places"]["report"]).read_text()
    assert told["headline"] in page
    for turn in told["turns"]:
        assert f"{turn['score']['value']:.3f}" in page
    for mean in told["means"].values():
        assert f"{mean:.3f}" in page


def test_a_backtest_that_is_stopped_in_its_third_turn_goes_on_to_the_same_end(
    calm: tuple[Laptop, dict[str, Any]], tmp_path: Path
) -> None:
    rough = made(tmp_path)
    assert interrupted(rough, signal.SIGINT, turns=2) == (
        130,
        f"millrace: stopped; 2 of {TURNS} turns are kept: the same command goes on after them\n",
    )
    before = {file: file.stat().st_mtime_ns for file in turns_kept(rough)}
    assert not list(rough.home.glob("backtests/rentals/*/scratch"))
    done = rough.millrace(*COMMAND, "--json")
    assert done.returncode == 0, done.stderr
    assert settled(json.loads(done.stdout)) == settled(calm[1])
    assert all(file.stat().st_mtime_ns == when for file, when in before.items())
    assert len(turns_kept(rough)) == TURNS


def test_sigterm_stops_it_in_order_too(tmp_path: Path) -> None:
    code, errors = interrupted(made(tmp_path), signal.SIGTERM, turns=0)
    assert code == 130
    assert errors.startswith(f"millrace: stopped; 0 of {TURNS} turns are kept")
    assert len(errors.splitlines()) == 1


def test_on_a_pipe_there_is_a_line_a_turn_and_then_the_table(
    calm: tuple[Laptop, dict[str, Any]],
) -> None:
    laptop, told = calm
    done = laptop.millrace(*COMMAND)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    for line, turn in zip(lines, told["turns"], strict=False):
        assert line[2:12] == turn["as_of"][:10]
        assert turn["outcome"] in line
    assert told["headline"] in lines
    assert "\x1b" not in done.stdout


def test_on_a_terminal_it_shows_what_it_is_at(calm: tuple[Laptop, dict[str, Any]]) -> None:
    laptop, told = calm
    screen, terminal = pty.openpty()
    environment = {**laptop.environment, "TERM": "xterm"}
    process = subprocess.Popen(
        [MILLRACE, *COMMAND],
        cwd=laptop.folder,
        env=environment,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
    )
    os.close(terminal)
    shown = b""
    with contextlib.suppress(OSError):  # as Linux tells that nobody holds the terminal any more
        while part := os.read(screen, 65536):
            shown += part
    os.close(screen)
    assert process.wait(60) == 0
    text = shown.decode()
    assert f"turn 2 of {TURNS}, about " in text
    assert "Traceback" not in text
    assert " ".join(told["headline"].split()[:6]) in text


def test_two_backtests_of_a_workload_do_not_go_on_at_once(
    calm: tuple[Laptop, dict[str, Any]],
) -> None:
    laptop, _ = calm
    other = ("run", "rentals", "--backtest", "2024-03-11..2024-04-05", "--every", "5d")
    with started(laptop, *other) as process:
        wait_for(lambda: at_work(laptop, "accepted"), "it is at work")
        done = laptop.millrace(*COMMAND, "--json")
        assert done.returncode == 1
        assert f"another backtest of rentals is under way; found process {process.pid}" in (
            done.stderr
        )
        assert json.loads(done.stdout)["error"]["kind"] == "PipelineError"


def test_a_backtest_in_which_no_model_was_trained_ends_red(
    calm: tuple[Laptop, dict[str, Any]],
) -> None:
    laptop, _ = calm
    done = laptop.millrace("run", "rentals", "--backtest", "2020-01-01..2020-02-01", "--json")
    assert done.returncode == 1
    assert done.stderr == (
        "millrace: no turn trained a model; the last: the batch is rejected: there are no records\n"
    )
    told = json.loads(done.stdout)
    assert [turn["outcome"] for turn in told["turns"]] == ["rejected"] * 5
    assert told["gain"] is None


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("rentals", "--backtest", ""), "--backtest: is no period; found ''"),
        (("rentals", "--backtest", "2024-03-16..soon"), "--backtest: is no time; found 'soon'"),
        ((*COMMAND[1:4], "--every", "13d"), "at spec.time.window: the window is shorter"),
        ((*COMMAND[1:4], "--every", ""), "--every: is no time"),
        ((*COMMAND[1:4], "--as-of", "2024-03-16"), "--as-of: makes no sense with --backtest"),
        (("rentals", "--every", "7d"), "--every: says nothing without --backtest"),
        (("rental", *COMMAND[2:]), "rental/workload.yaml: there is no such file"),
    ],
)
def test_nonsense_ends_in_one_line(
    calm: tuple[Laptop, dict[str, Any]], arguments: tuple[str, ...], told: str
) -> None:
    done = calm[0].millrace("run", *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("millrace: ")
    assert told in line


def test_a_home_that_cannot_be_written_to_is_told_in_one_line(
    calm: tuple[Laptop, dict[str, Any]], tmp_path: Path
) -> None:
    laptop, _ = calm
    home = tmp_path / "home"
    home.mkdir()
    (home / "backtests").write_text("no folder")
    done = subprocess.run(
        [MILLRACE, *COMMAND],
        cwd=laptop.folder,
        env={**laptop.environment, "MILLRACE_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "the folder cannot be made" in line
