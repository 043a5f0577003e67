"""Steps in the command's own process neither print into its output nor end in a traceback."""

from __future__ import annotations

import errno
import sys
from pathlib import Path
from typing import Any

import pytest

from cli.steps_here import steps_here
from millrace.errors import MillraceError, StoreError, TrainingError
from millrace.progress import say


def test_what_steps_say_is_heard_and_what_they_print_is_in_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    heard: list[dict[str, Any]] = []
    log = tmp_path / "log.txt"
    with steps_here(log, heard.append):
        say("epoch_done", epoch=1)
        print("from the workload's code")
        sys.stderr.write("and its errors\n")
    assert heard == [{"event": "epoch_done", "epoch": 1}]
    assert capsys.readouterr() == ("", "")
    told = log.read_text()
    assert "from the workload's code\nand its errors\n" in told


def test_a_fault_stays_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="diverged"), steps_here(tmp_path / "log", print):
        raise TrainingError("diverged")


def test_a_full_disk_is_told_in_one_line(tmp_path: Path) -> None:
    with (
        pytest.raises(StoreError, match=r"/some/file: .*No space left.*free space") as raised,
        steps_here(tmp_path / "log", print),
    ):
        raise OSError(errno.ENOSPC, "No space left on device", "/some/file")
    assert "\n" not in str(raised.value)


def test_a_log_that_cannot_be_written_is_a_fault_of_the_disk(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="Is a directory"), steps_here(tmp_path, print):
        pass


def test_whatever_breaks_ends_in_one_line_that_names_the_log(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    with pytest.raises(MillraceError) as raised, steps_here(log, print):
        raise ZeroDivisionError("of all things")
    assert "a step broke: ZeroDivisionError: of all things" in str(raised.value)
    assert str(log) in str(raised.value)
    assert "Traceback" in log.read_text()
    assert "\n" not in str(raised.value)
