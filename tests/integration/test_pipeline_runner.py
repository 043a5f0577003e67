"""Compiled pipelines run on a laptop: each step is told of, reused, or said to have failed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from kfp import compiler, dsl

from millrace.errors import PipelineError
from millrace.settings import Settings
from pipelines.local.events import Event, TaskEnded, TaskSaid
from pipelines.local.lock import only_run
from pipelines.local.runner import run_pipeline


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def first(text: str) -> str:
    from millrace.progress import say

    say("row_done", done=1, total=2)
    print("a word for the log")
    say("step_done", note="first is done")
    return text


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def second(text: str) -> None:
    import os
    import signal
    import sys

    from millrace.progress import say

    if text == "fail":
        say("step_failed", failure={"problem": "as asked", "message": "second: as asked"})
        sys.exit(1)
    if text == "die":
        os.kill(os.getpid(), signal.SIGKILL)


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def last(status: dsl.PipelineTaskFinalStatus) -> None:
    from millrace.progress import say

    say("step_done", note=status.state)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    @dsl.pipeline(name="two-steps")
    def pipeline(text: str) -> None:
        with dsl.ExitHandler(last().set_caching_options(False)):
            made = first(text=text)
            second(text=made.output).set_retry(3).set_caching_options(False)

    file = tmp_path_factory.mktemp("compiled") / "pipeline.yaml"
    compiler.Compiler().compile(pipeline, str(file))
    return file


class Run:
    """One run of the pipeline, and what was told of it."""

    def __init__(self, file: Path, home: Path, text: str) -> None:
        self.events: list[Event] = []
        self.log = home / "log.txt"
        settings = Settings(home=home)
        self.green = run_pipeline(file, {"text": text}, settings, self.log, self.events.append)

    @property
    def ended(self) -> dict[str, TaskEnded]:
        return {event.task: event for event in self.events if isinstance(event, TaskEnded)}


def test_each_step_is_told_of_as_it_goes(compiled: Path, tmp_path: Path) -> None:
    run = Run(compiled, tmp_path, "go")
    assert run.green
    assert [(t.task, t.outcome) for t in run.ended.values()] == [
        ("first", "done"),
        ("second", "done"),
        ("last", "done"),
    ]
    said = [event.event for event in run.events if isinstance(event, TaskSaid)]
    assert said == [{"event": "row_done", "done": 1, "total": 2}]
    assert run.ended["first"].note == "first is done"
    assert run.ended["first"].peak_bytes > 10_000_000
    assert "a word for the log" in run.log.read_text()


def test_a_second_run_says_what_it_reused(compiled: Path, tmp_path: Path) -> None:
    Run(compiled, tmp_path, "go")
    again = Run(compiled, tmp_path, "go")
    assert {task: ended.outcome for task, ended in again.ended.items()} == {
        "first": "reused",
        "second": "done",
        "last": "done",
    }
    assert Run(compiled, tmp_path, "other").ended["first"].outcome == "done"


def test_a_fault_ends_the_run_red_without_a_second_try(compiled: Path, tmp_path: Path) -> None:
    run = Run(compiled, tmp_path, "fail")
    assert not run.green
    failure = run.ended["second"].failure
    assert failure is not None
    assert failure["message"] == "second: as asked"
    assert run.ended["last"].note == "FAILED"
    assert [e.task for e in run.events if isinstance(e, TaskEnded)].count("second") == 1


def test_a_killed_step_is_said_to_have_been_killed(compiled: Path, tmp_path: Path) -> None:
    failure = Run(compiled, tmp_path, "die").ended["second"].failure
    assert failure is not None
    assert "killed by signal 9" in failure["message"]


def test_nothing_is_left_in_the_scratch_folder(compiled: Path, tmp_path: Path) -> None:
    Run(compiled, tmp_path, "go")
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize("text", ["", "name: x", "[1, 2", "components: 1"])
def test_what_is_no_pipeline_is_told_in_one_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "pipeline.yaml"
    file.write_text(text)
    with pytest.raises(PipelineError, match="make compile"):
        Run(file, tmp_path, "go")


def test_a_workload_has_one_run_at_a_time(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    with only_run(settings, "churn"):
        with only_run(settings, "flights"):
            pass
        with (
            pytest.raises(PipelineError, match=f"process {os.getpid()}"),
            only_run(settings, "churn"),
        ):
            raise AssertionError("is not reached")
    with only_run(settings, "churn"):
        pass


def test_the_lock_of_a_killed_run_is_free(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time\n"
            "from pathlib import Path\n"
            "from millrace.settings import Settings\n"
            "from pipelines.local.lock import only_run\n"
            f"with only_run(Settings(home=Path({str(tmp_path)!r})), 'churn'):\n"
            "    print('held', flush=True)\n"
            "    time.sleep(60)\n",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with only_run(Settings(home=tmp_path), "churn"):
        pass
