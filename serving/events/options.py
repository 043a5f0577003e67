"""The command line of the collector."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from serving.predictor.options import read_duration, require


@dataclass(frozen=True)
class Options:
    """Where a collector listens, and where it keeps what it hears; times are in seconds."""

    host: str
    port: int
    folder: Path
    wait: float
    log_level: str


def read_options(arguments: Sequence[str]) -> Options:
    """Return the options of a command line.

    Raises:
        ServingError: a value cannot be what it should be.
        SystemExit: the command line as a whole is wrong, or asks for help; argparse said so.
    """
    given = vars(_parser().parse_args(arguments))
    given["wait"] = read_duration("wait", given["wait"])
    options = Options(**given)
    require(options.wait > 0, "wait", str(options.wait), "more than 0")
    require(1 <= options.port <= 65535, "port", str(options.port), "a port from 1 to 65535")
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m serving.events",
        description="Keep the prediction events of a cluster.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1")
    add("--port", type=int, default=8080, help="for events, /metrics and /healthz")
    add("--folder", type=Path, required=True, help="where events are kept as JSON lines")
    add("--wait", default="30s", help="a request's half that waits longer is kept as incomplete")
    add("--log-level", choices=("debug", "info", "warning", "error"), default="info")
    return parser
