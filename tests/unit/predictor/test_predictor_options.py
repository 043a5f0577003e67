"""The predictor's command line."""

from pathlib import Path

import pytest

from millrace.errors import ServingError
from serving.predictor.options import read_options

REQUIRED = ["--model-name=churn", "--model-dir", "bundle", "--version=7", f"--digest={'a' * 64}"]


def test_only_the_bundle_must_be_named() -> None:
    options = read_options(REQUIRED)
    assert options.model_dir == Path("bundle")
    assert options.latency == 0.05
    assert options.lookup_timeout == 0.02
    assert options.max_request_size == 10 * 2**20
    assert (options.http_port, options.grpc_port, options.metrics_port) == (8080, 8081, 8082)


def test_values_have_units() -> None:
    options = read_options(
        [*REQUIRED, "--latency=1.5s", "--max-request-size", "64KiB", '--defaults={"tenure": 1}']
    )
    assert (options.latency, options.max_request_size) == (1.5, 65536)
    assert options.defaults == {"tenure": 1}


def test_events_go_where_the_environment_says_unless_the_command_line_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert read_options(REQUIRED).events_url == ""
    monkeypatch.setenv("MILLRACE_EVENTS_URL", "http://millrace-events.millrace/")
    assert read_options(REQUIRED).events_url == "http://millrace-events.millrace/"
    assert read_options([*REQUIRED, "--events-url=http://x/"]).events_url == "http://x/"
    assert read_options([*REQUIRED, "--events-url="]).events_url == ""


@pytest.mark.parametrize(
    "argument",
    [
        "--latency=50",
        "--latency=0ms",
        "--max-request-size=ten",
        "--max-rows=0",
        "--max-queued=0",
        "--workers=0",
        "--http-port=70000",
        "--defaults={",
        '--defaults={"a": null}',
        '--defaults={"a": true}',
        "--digest=sha256:a",
    ],
)
def test_a_value_that_cannot_be_is_named(argument: str) -> None:
    with pytest.raises(ServingError) as caught:
        read_options([*REQUIRED, argument])
    assert caught.value.where == argument.partition("=")[0]


def test_a_duration_without_a_unit_is_told_as_every_fault_is() -> None:
    with pytest.raises(ServingError) as caught:
        read_options([*REQUIRED, "--latency=50"])
    assert str(caught.value) == (
        "--latency: cannot be read; found '50'; "
        "expected a number with a unit of ms, s, m, h, d or w, such as 50ms"
    )
