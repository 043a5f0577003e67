"""A run is told as it goes, and goes on when nobody listens any more."""

import errno
import io
import subprocess
import sys

import pytest
from rich.console import Console

from cli.narrate import Narrator
from cli.sayings import saying
from pipelines.local.events import TaskEnded, TaskSaid, TaskStarted

RUN = """
import contextlib, io, sys
from cli.console import console
from cli.narrate import Narrator
from pipelines.local.events import TaskEnded, TaskSaid, TaskStarted

with Narrator(console, quiet=False) as narrator, contextlib.redirect_stdout(io.StringIO()):
    narrator.hear(TaskEnded("ingest", "done", 1.0))
    sys.stdin.read()  # until nobody reads our output any more
    narrator.hear(TaskStarted("train"))
    narrator.hear(TaskSaid("train", {"event": "records_read", "rows": 7}))
    narrator.hear(TaskEnded("train", "done", 1.0))
    narrator.hear(TaskEnded("export", "done", 1.0))
console.print("the verdict")
sys.stderr.write(f"heard {len(narrator.steps())}")
"""


def test_a_run_whose_output_breaks_off_is_finished_without_a_word() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", RUN],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin and process.stdout and process.stderr
        assert "ingest" in process.stdout.readline()
        process.stdout.close()
        process.stdin.close()
        assert process.stderr.read() == "heard 3"
        assert process.wait() == 0


class _FullDisk(io.StringIO):
    def flush(self) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_run_whose_output_cannot_be_written_is_finished() -> None:
    narrator = Narrator(Console(file=_FullDisk()), quiet=False)
    narrator.hear(TaskEnded("train", "done", 1.0))
    narrator.hear(TaskEnded("export", "done", 1.0))
    assert [step.name for step in narrator.steps()] == ["train", "export"]


def heard(*events: TaskStarted | TaskSaid | TaskEnded) -> str:
    console = Console(file=io.StringIO(), force_terminal=True, width=100, color_system=None)
    with Narrator(console, quiet=False) as narrator:
        for event in events:
            narrator.hear(event)
            console.print("shown")
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_progress_is_told_in_words() -> None:
    text = heard(
        TaskStarted("assemble"),
        TaskSaid("assemble", {"event": "step_started", "step": "assemble"}),
        TaskSaid("assemble", {"event": "features_joined", "rows": 5000, "features": 7}),
    )
    assert "assemble … 7 features joined to 5,000 rows" in text
    assert "step" not in text


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (
            {"event": "epoch_done", "epochs": 60, "epoch": 3, "validation_loss": 0.41239},
            "epoch 3 of 60, validation loss 0.4124",
        ),
        ({"event": "resampled", "done": 100, "total": 1000}, "100 of 1,000 resamples"),
        ({"event": "step_done", "note": "x"}, ""),
        ({"event": "records_read"}, "records read"),
        ({"event": "records_read", "rows": "many"}, "records read: rows many"),
        ({"event": "my_own", "some_rows": 3}, "my own: some rows 3"),
        ({"event": None, "rows": [1]}, "None: rows [1]"),
        ({}, ""),
    ],
)
def test_every_event_has_words_or_none(event: dict[str, object], words: str) -> None:
    assert saying(event) == words


def test_long_progress_is_cut_so_that_its_line_does_not_wrap() -> None:
    text = heard(TaskStarted("train"), TaskSaid("train", {"event": "x", "reason": "y" * 500}))
    assert "y…" in text
    assert "y" * 80 not in text


def test_what_looks_like_markup_is_shown_as_it_is() -> None:
    said = TaskSaid("train", {"event": "[/bold]", "rows": "[red]"})
    assert "[/bold]: rows [red]" in heard(TaskStarted("train"), said)
