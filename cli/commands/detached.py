"""`millrace up --detach`: a platform that outlives the command, which tells where it answers."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from rich.markup import escape

from cli.console import console
from millrace.errors import MillraceError, ServingError
from millrace.files import made_folder
from millrace.settings import HOME_REMEDY, Settings
from serving.local.example import curl_line, example_file
from serving.local.instance import running
from serving.local.platform import nothing_released
from serving.local.state import PlatformState, RouteState, read_state

START_SECONDS = 30.0
"""Longest time until the gateway listens."""
ARMS_SECONDS = 15.0
"""Longest time that the command waits for arms; they go on starting without it."""


def start_detached(settings: Settings) -> None:
    """Start a platform, wait until its arms answer, and tell where.

    Raises:
        ServingError: a platform runs here already, or it does not start.
        MillraceError: the home cannot be written to.
    """
    found = running(settings)
    if found is not None:
        raise ServingError(
            "a platform runs here already",
            where=str(settings.home),
            found=f"process {found}",
            remedy="use it, or end it: `millrace down`",
        )
    log = made_folder(settings.platform_folder / "logs", HOME_REMEDY) / "up.log"
    began = log.stat().st_size if log.exists() else 0
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli", "up", "--port", str(settings.gateway_port)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    try:
        state = _wait(settings, process, log, began)
    except BaseException:  # a fault, or somebody who no longer waits: either way nobody wants it
        process.terminate()
        raise
    _say(f"the platform is up (process {process.pid}): port {settings.gateway_port}")
    _tell(settings, state)
    _say(f"its log is {log}; end it with `millrace down`")


def _wait(
    settings: Settings, process: subprocess.Popen[bytes], log: Path, began: int
) -> PlatformState:
    """Wait until it is up, then a while for its arms; return how it is then."""
    start = time.monotonic()
    while True:
        state = _state(settings, process.pid)
        waited = time.monotonic() - start
        if process.poll() is not None or (state is None and waited > START_SECONDS):
            raise ServingError(_last_line(log, began))
        if state is not None and (_is_settled(state) or waited > ARMS_SECONDS):
            return state
        time.sleep(0.05)


def _state(settings: Settings, pid: int) -> PlatformState | None:
    try:
        state = read_state(settings)
    except MillraceError:
        return None
    return state if state is not None and state.pid == pid else None


def _is_settled(state: PlatformState) -> bool:
    """Return whether waiting on changes nothing: Git is done as it says, or something is wrong."""
    if not state.commit:
        return False
    starting = any(arm.phase == "starting" for arm in state.arms)
    return state.applied == state.commit or (bool(state.arms or state.faults) and not starting)


def _tell(settings: Settings, state: PlatformState) -> None:
    for route in state.routes:
        if route.weights:
            _tell_how_to_ask(settings, route)
        if route.waits_for:
            missing = "is not split as Git says yet" if route.weights else "does not answer yet"
            _say(f"{route.workload} {missing}: {route.waits_for}; see `millrace status`")
    for fault in state.faults:
        _say(f"! {fault}")
    if state.commit and not (state.arms or state.routes or state.faults):
        _say(nothing_released(settings))
    elif not (state.commit or state.faults):
        _say("the deploy repository has not answered yet; see `millrace status`")


def _tell_how_to_ask(settings: Settings, route: RouteState) -> None:
    address = f"http://{route.hosts[0]}:{settings.gateway_port}"
    _say(f"{route.workload} answers at {address}")
    example = example_file(settings, route.workload)
    if example.exists():
        _say(f"ask it: {curl_line(address, route.workload, example)}")


def _say(line: str) -> None:
    console.print(escape(line), soft_wrap=True, highlight=False)


def _last_line(log: Path, began: int) -> str:
    """Return the last thing that the platform said of itself in vain."""
    with log.open("rb") as said:
        said.seek(began)
        lines = [line for line in said.read().decode(errors="replace").splitlines() if line]
    if lines:
        return lines[-1].removeprefix("millrace: ")
    return f"the platform did not start; its log is {log}"
