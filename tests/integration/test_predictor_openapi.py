"""The predictor's OpenAPI description is exact: schemathesis finds no answer that breaks it."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.predictors import Predictor
from tests.integration.pump_store import LOOKUPS, predictor_with_store

SCHEMATHESIS = str(Path(sys.executable).with_name("schemathesis"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Predictor]:
    with predictor_with_store(tmp_path_factory.mktemp("described")) as running:
        yield running


def _explore(server: Predictor, folder: Path, *arguments: str) -> None:
    done = subprocess.run(
        [
            *(SCHEMATHESIS, "run", f"{server.url}/openapi.json"),
            "--phases=examples,coverage,fuzzing",
            "--max-examples=25",
            "--continue-on-failure",
            *arguments,
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr


def test_everything_but_v2_inference_does_what_the_description_says(
    server: Predictor, tmp_path: Path
) -> None:
    _explore(server, tmp_path, "--exclude-path-regex=/infer$")
    assert server.metric(LOOKUPS) > 0, "no key was looked up"
    assert server.metric('millrace_predictor_requests_total{code="503",protocol="v1"}') == 0


def test_v2_inference_does_what_the_description_says(server: Predictor, tmp_path: Path) -> None:
    # No JSON Schema can say that all tensors have the same number of rows, so what the description
    # allows may still be refused; nothing else is left out.
    before = server.metric(LOOKUPS)
    _explore(
        server,
        tmp_path,
        "--include-path-regex=/infer$",
        "--exclude-checks=positive_data_acceptance",
    )
    answered = server.metric('millrace_predictor_requests_total{code="200",protocol="v2"}')
    assert answered > 0
    assert server.metric(LOOKUPS) > before, "no key was looked up"
    for code in (500, 503):
        counted = f'millrace_predictor_requests_total{{code="{code}",protocol="v2"}}'
        assert server.metric(counted) == 0
