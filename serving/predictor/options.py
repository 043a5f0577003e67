"""The command line of one predictor process."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from millrace.durations import WITH_UNIT
from millrace.errors import ServingError
from millrace.registry.published import is_digest
from millrace.workload.base import Duration, Size

EVENTS_URL = "MILLRACE_EVENTS_URL"
"""Environment variable: where events go if the command line does not say; '' for nowhere."""


@dataclass(frozen=True)
class Options:
    """What a predictor serves, where and within which bounds. Times are in seconds."""

    model_name: str
    model_dir: Path
    digest: str
    version: str
    latency: float
    online: str
    lookup_timeout: float
    defaults: dict[str, str | float]
    host: str
    http_port: int
    grpc_port: int
    metrics_port: int
    workers: int
    events_url: str
    max_request_size: int
    max_rows: int
    max_queued: int
    max_connections: int
    grace: float
    log_level: str


def read_options(arguments: Sequence[str]) -> Options:
    """Return the options of a command line.

    Raises:
        ServingError: a value cannot be what it should be.
        SystemExit: the command line as a whole is wrong, or asks for help; argparse said so.
    """
    given = vars(_parser().parse_args(arguments))
    for name in ("latency", "lookup_timeout", "grace"):
        given[name] = read_duration(name, given[name])
    size = given["max_request_size"]
    given["max_request_size"] = _read(_SIZE, "max_request_size", size, _A_SIZE)
    given["defaults"] = _defaults(given["defaults"])
    options = Options(**given)
    for name in _POSITIVE:
        require(getattr(options, name) > 0, name, str(getattr(options, name)), "more than 0")
    require(is_digest(options.digest), "digest", options.digest, "64 hexadecimal digits")
    for name in ("http_port", "grpc_port", "metrics_port"):
        port = getattr(options, name)
        require(1 <= port <= 65535, name, str(port), "a port from 1 to 65535")
    return options


_POSITIVE = (
    *("latency", "lookup_timeout", "max_request_size", "max_rows", "max_queued", "workers"),
)
_DURATION = TypeAdapter[Any](Duration)
_SIZE = TypeAdapter[Any](Size)
_A_DURATION = f"{WITH_UNIT}, such as 50ms"
_A_SIZE = "a number with a unit of kB, MB, GB, KiB, MiB or GiB, such as 10MiB"
_DEFAULTS = TypeAdapter[Any](dict[str, str | float])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m serving.predictor",
        description="Serve one bundle over the Open Inference Protocol.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--model-name", required=True, help="name that clients use")
    add("--model-dir", required=True, type=Path, help="folder of the bundle")
    add("--digest", required=True, help="digest that the bundle must have")
    add("--version", required=True, help="version of the model")
    add("--latency", default="50ms", help="objective: a bound of the latency histogram")
    add("--online", choices=("fallback", "fail"), default="fallback")
    add("--lookup-timeout", default="20ms", help="then the online store counts as down")
    add("--defaults", default="{}", help="JSON: values of features for --online=fallback")
    add("--host", default="127.0.0.1")
    add("--http-port", type=int, default=8080)
    add("--grpc-port", type=int, default=8081)
    add("--metrics-port", type=int, default=8082)
    add("--workers", type=int, default=1, help="processes that share the ports")
    receiver = os.environ.get(EVENTS_URL, "")
    add("--events-url", default=receiver, help=f"receiver of CloudEvents; default: {EVENTS_URL}")
    add("--max-request-size", default="10MiB", help="a larger body is refused: 413")
    add("--max-rows", type=int, default=10_000, help="a request with more rows is refused: 400")
    add("--max-queued", type=int, default=256, help="more waiting requests are refused: 503")
    add("--max-connections", type=int, default=1024, help="more of them are refused: 503")
    add("--grace", default="2s", help="after SIGTERM, time in which new requests are answered")
    add("--log-level", choices=("debug", "info", "warning", "error"), default="info")
    return parser


def _defaults(text: str) -> dict[str, str | float]:
    try:
        found: dict[str, str | float] = _DEFAULTS.validate_python(json.loads(text), strict=True)
    except ValueError as error:
        raise ServingError(
            "cannot be read",
            where="--defaults",
            found=repr(text),
            expected='a JSON object of numbers and texts, such as {"tenure": 1}',
        ) from error
    return found


def read_duration(name: str, text: str) -> float:
    """Return the seconds of an option's value, such as 50ms.

    Raises:
        ServingError: it is no duration.
    """
    seconds: float = _read(_DURATION, name, text, _A_DURATION).total_seconds()
    return seconds


def _read(adapter: TypeAdapter[Any], name: str, text: str, expected: str) -> Any:
    try:
        return adapter.validate_python(text)
    except (ValidationError, OverflowError) as error:
        raise ServingError(
            "cannot be read", where=_flag(name), found=repr(text), expected=expected
        ) from error


def require(holds: bool, name: str, found: str, expected: str) -> None:
    """Raise if an option's value is out of range.

    Raises:
        ServingError: it is.
    """
    if not holds:
        raise ServingError(
            "the value is out of range", where=_flag(name), found=found, expected=expected
        )


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
