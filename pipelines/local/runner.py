"""Run a compiled pipeline on this machine, by kfp.local, step by step in processes of their own.

kfp.local prints for notebooks and retries like a cluster. Two of its functions are therefore
wrapped while a run lasts: the one that executes a task (to tell of it, and because a laptop's
step fails for a reason that a second try does not mend) and the one that runs its command.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import io
import os
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from yaml import YAMLError

from millrace.digests import digest_of_json
from millrace.errors import PipelineError
from millrace.files import made_folder
from millrace.runs.records import ENVIRONMENT
from millrace.settings import HOME_REMEDY, Settings
from pipelines.local.events import Event, TaskEnded, TaskSaid, TaskStarted
from pipelines.local.subprocesses import Ended, run_command

SHELL_SIGNALS = 128
"""A shell whose command was killed by a signal ends with this much more."""


@dataclass
class _Task:
    """What is known of the task that runs right now."""

    name: str = ""
    ended: Ended | None = None
    note: str = ""
    failure: dict[str, str] | None = field(default=None)


def run_pipeline(
    file: Path,
    arguments: Mapping[str, str],
    settings: Settings,
    log_file: Path,
    tell: Callable[[Event], None],
) -> bool:
    """Run a compiled pipeline to its end and return whether it succeeded.

    Args:
        file: IR YAML, as `millrace compile` writes it.
        arguments: the pipeline's parameters.
        settings: where things are kept; the steps get the same by environment variables.
        log_file: file for what the steps print beside their events.
        tell: takes each event of the run.

    Raises:
        PipelineError: the file is no compiled pipeline, or kfp.local cannot run it.
        MillraceError: the home, or the log's folder, cannot be written to.
    """
    home = settings.home.resolve()
    made_folder(log_file.parent, HOME_REMEDY)
    scratch = Path(tempfile.mkdtemp(prefix="run-", dir=made_folder(home / "tmp", HOME_REMEDY)))
    with (
        contextlib.ExitStack() as undo,
        log_file.open("a", encoding="utf-8") as log,
        warnings.catch_warnings(),
    ):
        undo.callback(shutil.rmtree, scratch, ignore_errors=True)
        warnings.simplefilter("ignore")
        environment = environment_digest()
        variables = {"MILLRACE_HOME": str(home), "TMPDIR": str(scratch), ENVIRONMENT: environment}
        undo.enter_context(_environment(variables))
        from kfp import components, local

        local.init(
            local.SubprocessRunner(use_venv=False),
            pipeline_root=str(home / "kfp" / "artifacts"),
            workspace_root=str(scratch / "workspace"),
            enable_caching=True,
            cache_root=str(home / "kfp" / "cache" / environment[:16]),
        )
        try:
            pipeline = components.load_component_from_file(str(file))
        except (OSError, ValueError, TypeError, KeyError, AttributeError, YAMLError) as error:
            raise PipelineError(
                f"is no compiled pipeline: {error}", where=str(file), remedy="run `make compile`"
            ) from error
        undo.enter_context(_narrated(log, tell))
        undo.enter_context(contextlib.redirect_stdout(io.StringIO()))
        try:
            pipeline(**arguments)
        except RuntimeError as error:
            log.write(f"{error}\n")
            return False
    return True


def environment_digest() -> str:
    """Return a digest of the installed distributions: another environment reuses no result."""
    return digest_of_json(
        sorted({f"{dist.name}=={dist.version}" for dist in importlib.metadata.distributions()})
    )


@contextlib.contextmanager
def _narrated(log: IO[str], tell: Callable[[Event], None]) -> Iterator[None]:
    """Wrap kfp.local's two functions for the length of a run."""
    from kfp.local import status, subprocess_task_handler
    from kfp.local.orchestrator import task_executor

    execute, run = task_executor.execute_single_task, subprocess_task_handler.run_local_subprocess
    current = _Task()

    def execute_told(*, task_name: str, task_spec: Any, **rest: Any) -> Any:
        nonlocal current
        current = _Task(task_name)
        tell(TaskStarted(task_name))
        log.write(f"--- {task_name}\n")
        task_spec.retry_policy.max_retry_count = 0
        began = time.monotonic()
        outputs, outcome = execute(task_name=task_name, task_spec=task_spec, **rest)
        tell(_ending(current, outcome == status.Status.SUCCESS, time.monotonic() - began))
        return outputs, outcome

    def run_told(full_command: list[str], env_vars: dict[str, str] | None = None) -> int:
        current.ended = run_command(full_command, env_vars or {}, log, hear)
        return current.ended.code

    def hear(event: dict[str, Any]) -> None:
        if event["event"] == "step_done":
            current.note = str(event.get("note", ""))
        elif event["event"] == "step_failed":
            current.failure = event["failure"]
        else:
            tell(TaskSaid(current.name, event))

    task_executor.execute_single_task = execute_told
    subprocess_task_handler.run_local_subprocess = run_told
    try:
        yield
    finally:
        task_executor.execute_single_task = execute
        subprocess_task_handler.run_local_subprocess = run


def _ending(task: _Task, succeeded: bool, seconds: float) -> TaskEnded:
    if succeeded and task.ended is None:
        return TaskEnded(task.name, "reused", seconds)
    peak = task.ended.peak_bytes if task.ended else 0
    if succeeded:
        return TaskEnded(task.name, "done", seconds, peak, task.note)
    code = task.ended.code if task.ended else 0
    number = -code if code < 0 else max(code - SHELL_SIGNALS, 0)
    failure = (
        task.failure
        or PipelineError(
            f"the step was killed by signal {number}"
            if number
            else f"the step ended with code {code}",
            where=task.name,
            remedy="read the run's log; what was done before is kept, so run again",
        ).as_dict()
    )
    return TaskEnded(task.name, "failed", seconds, peak, task.note, failure)


@contextlib.contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
