"""The images run as a cluster demands it, and hold what their role needs and no more."""

import json
import shutil
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from tests.cluster.containers import (
    BOUND,
    DEADLINE,
    ROOT,
    Container,
    build,
    container,
    docker,
    layers,
    require_docker,
)
from tests.integration.predictors import MODEL, VERSION, make_bundle, row, wait_for

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

CONTEXT = [".dockerignore", "images", "requirements", "pyproject.toml", "millrace", "serving"]
UNCOMPILED = """
import os, sys
import serving.predictor.process, serving.predictor.model, onnxruntime
print([m for m in sys.modules.values()
       if getattr(m, "__cached__", None) and not os.path.exists(m.__cached__)])
"""


@pytest.fixture(scope="module", autouse=True)
def docker_answers() -> None:
    require_docker()


@pytest.fixture(scope="module")
def serving_image() -> str:
    return build("serving")[0]


@pytest.fixture(scope="module")
def predictor(serving_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """Return a predictor in a container, its bundle mounted read-only."""
    bundle = make_bundle(tmp_path_factory.mktemp("bundles") / "bundle")
    arguments = [
        *(f"--model-name={MODEL}", f"--version={VERSION}", f"--digest={bundle.digest}"),
        *("--model-dir=/mnt/models", "--host=0.0.0.0"),
    ]
    mounted = f"--volume={bundle.folder}:/mnt/models:ro"
    with container(serving_image, *arguments, options=(mounted,)) as running:
        wait_for(lambda: running.answers(8080, "/v2/health/ready"), "it is ready", DEADLINE)
        yield running


def infer(running: Container, body: dict[str, Any]) -> Any:
    """Return a predictor's answer to a v2 request."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{running.port(8080)}/v2/models/{MODEL}/infer",
        json.dumps(body).encode(),
        {"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=DEADLINE) as answer:
        return json.loads(answer.read())


def test_the_predictor_answers_without_rights_on_a_root_that_it_cannot_write(
    predictor: Container, capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        print(f"\npredictor: container start to ready within {predictor.age:.2f} s")
    answer = infer(predictor, row(pressure=0.0, site="north"))
    assert answer["outputs"][0]["data"] == pytest.approx([0.7310586])
    assert predictor.sh("id -u; id -g").split() == ["65532", "65532"]
    assert predictor.sh("touch /app/x 2>/dev/null || echo refused") == "refused"


def test_every_line_that_the_predictor_prints_is_a_log_line_of_ours(predictor: Container) -> None:
    assert [json.loads(line)["event"] for line in predictor.log.splitlines()][:2] == [
        "loaded",
        "ready",
    ]


def test_a_predictor_needs_to_compile_no_module_when_it_starts(predictor: Container) -> None:
    assert predictor.python(UNCOMPILED) == "[]"


def test_the_serving_image_holds_no_torch_no_installer_and_no_tests(predictor: Container) -> None:
    packages = predictor.sh("ls /opt/venv/lib/python3.11/site-packages").split()
    assert {"numpy", "onnxruntime"} <= set(packages)
    assert not {"pip", "setuptools", "torch", "uv"} & set(packages)
    assert predictor.sh("find /opt/venv -type d -name tests") == ""
    assert predictor.sh("command -v gcc cc ld || true") == ""


def test_the_serving_image_is_350_mb_or_less(
    serving_image: str, capsys: pytest.CaptureFixture[str]
) -> None:
    size = int(docker("image", "inspect", "--format", "{{.Size}}", serving_image))
    with capsys.disabled():
        print(f"\nserving image: {size / 1e6:.0f} MB")
    assert size <= 350_000_000


def test_a_change_of_code_rebuilds_the_last_layer_alone(tmp_path: Path) -> None:
    for name in CONTEXT:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    image = build("serving", folder=tmp_path, registry="millrace-test")[0]
    try:
        before = layers(image)
        with (tmp_path / "serving/__init__.py").open("a") as file:
            file.write("\nCHANGED = True\n")
        build("serving", folder=tmp_path, registry="millrace-test")
        after = layers(image)
        assert (after[:-1], len(after)) == (before[:-1], len(before))
        assert after[-1] != before[-1]
    finally:
        docker("image", "rm", image)


def test_a_rollout_controller_that_lacks_a_setting_says_so_in_one_line() -> None:
    half = "--env=MILLRACE_PROMETHEUS=http://prometheus:9090"
    with container(build("rollout")[0], options=(half,)) as running:
        wait_for(lambda: running.state["Status"] == "exited", "it ends", DEADLINE)
        assert running.state["ExitCode"] == 1
        (line,) = running.log.splitlines()
    assert "MILLRACE_" in json.loads(line)["reason"]


def test_the_rollout_image_has_git_that_works_in_tmp() -> None:
    image = build("rollout")[0]
    script = "git init -q /tmp/clone && git -C /tmp/clone status --short && id -un"
    said = docker("run", "--rm", *BOUND, "--entrypoint", "sh", image, "-ec", script)
    assert said == "millrace"


def test_the_registry_of_the_mlflow_image_keeps_models() -> None:
    store = "--env=MLFLOW_BACKEND_STORE_URI=sqlite:////tmp/mlflow.db"
    with container(build("mlflow")[0], options=(store,)) as running:
        wait_for(lambda: running.answers(5000, "/health"), "MLflow is ready", DEADLINE)
        client = MlflowClient(f"http://127.0.0.1:{running.port(5000)}")
        run = client.create_run(client.create_experiment("churn"), run_name="first")
        client.log_metric(run.info.run_id, "loss", 0.5)
        client.set_terminated(run.info.run_id)
        client.create_registered_model("churn")
        made = client.create_model_version("churn", "s3://millrace/bundle", run.info.run_id)
        client.set_registered_model_alias("churn", "champion", made.version)
        assert client.get_model_version_by_alias("churn", "champion").source == made.source
        assert running.python("import psycopg2; print(psycopg2.paramstyle)") == "pyformat"
