"""The compiled pipeline says what a KFP backend needs to know."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.compile import (
    COMPILED,
    MATERIALIZATION,
    RETRAINING,
    compile_pipelines,
    images_for,
)

ALWAYS = {"ingest", "champion", "materialize", "register", "summarize"}
REUSABLE = {"validate", "assemble", "train", "export", "evaluate", "gate"}


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return compiled(tmp_path_factory.mktemp("c"), RETRAINING)


@pytest.fixture(scope="module")
def refresh(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return compiled(tmp_path_factory.mktemp("c"), MATERIALIZATION)


def compiled(folder: Path, name: str) -> dict[str, Any]:
    compile_pipelines(folder, images_for("ghcr.io/acme/", "1.2"))
    document: dict[str, Any]
    document, _platform = yaml.safe_load_all((folder / name).read_text())
    return document


def tasks(pipeline: dict[str, Any]) -> dict[str, Any]:
    inner = pipeline["components"]["comp-exit-handler-1"]["dag"]["tasks"]
    return {**inner, "summarize": pipeline["root"]["dag"]["tasks"]["summarize"]}


def parameters(pipeline: dict[str, Any], step: str) -> set[str]:
    return set(tasks(pipeline)[step]["inputs"]["parameters"])


def test_the_pipelines_that_are_checked_in_are_those_of_the_code(tmp_path: Path) -> None:
    files = compile_pipelines(tmp_path)
    assert [file.name for file in files] == [RETRAINING, MATERIALIZATION]
    for file in files:
        assert (COMPILED / file.name).read_text() == file.read_text()


def test_its_parameters_have_descriptions_and_defaults(pipeline: dict[str, Any]) -> None:
    given = pipeline["root"]["inputDefinitions"]["parameters"]
    assert all(parameter["description"] for parameter in given.values())
    assert {name for name, parameter in given.items() if "defaultValue" not in parameter} == {
        "workload"
    }


def test_what_looks_outside_is_never_cached(pipeline: dict[str, Any]) -> None:
    cached = {
        name for name, task in tasks(pipeline).items() if task["cachingOptions"].get("enableCache")
    }
    assert cached == REUSABLE
    assert set(tasks(pipeline)) == ALWAYS | REUSABLE


@pytest.mark.parametrize("step", sorted(REUSABLE))
def test_what_may_be_reused_names_all_that_it_depends_on(
    pipeline: dict[str, Any], step: str
) -> None:
    """A backend keys artifacts by their names, so their content must stand in a parameter."""
    given = parameters(pipeline, step)
    assert {"snapshot_digest", "as_of", "code_revision"} <= given
    if step == "validate":
        assert {"previous", "usual_rows"} <= given
    elif step == "assemble":
        assert "features_digest" in given
    else:
        assert "dataset_digest" in given
    if step in ("evaluate", "gate"):
        assert "champion_digest" in given
    assert given.isdisjoint({"run", "job"})


def test_each_step_runs_in_the_image_of_its_role(pipeline: dict[str, Any]) -> None:
    executors = pipeline["deploymentSpec"]["executors"]
    for name, executor in executors.items():
        role = "training" if name in ("exec-train", "exec-export") else "pipeline"
        assert executor["container"]["image"] == f"ghcr.io/acme/{role}:1.2"


def test_each_step_has_resources_and_a_timeout_and_installs_nothing(
    pipeline: dict[str, Any],
) -> None:
    for executor in pipeline["deploymentSpec"]["executors"].values():
        container = executor["container"]
        assert {"resourceCpuRequest", "resourceMemoryRequest"} <= set(container["resources"])
        assert {"resourceCpuLimit", "resourceMemoryLimit"} <= set(container["resources"])
        assert int(container["env"][0]["value"]) > 0
        assert "pip install" not in str(container["command"])


def test_the_exit_handler_hears_how_the_run_ended(pipeline: dict[str, Any]) -> None:
    last = pipeline["root"]["dag"]["tasks"]["summarize"]
    assert "taskFinalStatus" in str(last["inputs"])
    outputs = pipeline["components"]["comp-summarize"]["outputDefinitions"]["artifacts"]
    kinds = {name: output["artifactType"]["schemaTitle"] for name, output in outputs.items()}
    assert kinds == {
        "summary": "system.Artifact",
        "metrics": "system.Metrics",
        "report": "system.HTML",
    }


def test_a_gate_stops_what_comes_after_it(pipeline: dict[str, Any]) -> None:
    assert "gate" in tasks(pipeline)["register"]["dependentTasks"]


def test_a_materialization_is_a_retraining_that_ends_with_the_features(
    refresh: dict[str, Any], pipeline: dict[str, Any]
) -> None:
    assert set(tasks(refresh)) == {"ingest", "validate", "champion", "materialize", "summarize"}
    for step in ("validate", "champion", "materialize"):
        known = tasks(pipeline)[step]
        assert tasks(refresh)[step]["cachingOptions"] == known["cachingOptions"]
        assert set(tasks(refresh)[step]["inputs"]["parameters"]) == parameters(pipeline, step)


def test_a_materialization_touches_no_feature_view_that_the_champion_reads(
    refresh: dict[str, Any],
) -> None:
    given = tasks(refresh)["materialize"]["inputs"]["parameters"]["champion_digest"]
    assert given["taskOutputParameter"]["producerTask"] == "champion"
    assert tasks(refresh)["champion"]["dependentTasks"] == ["validate"]


def test_a_materialization_asks_for_no_more_than_a_workload(refresh: dict[str, Any]) -> None:
    given = refresh["root"]["inputDefinitions"]["parameters"]
    assert set(given) == {"workload", "run", "signal", "as_of"}
    assert {name for name, one in given.items() if "defaultValue" not in one} == {"workload"}


@pytest.mark.parametrize("named", ["pipeline", "refresh"])
def test_the_exit_handler_knows_which_story_to_tell(
    named: str, request: pytest.FixtureRequest
) -> None:
    document = request.getfixturevalue(named)
    given = tasks(document)["summarize"]["inputs"]["parameters"]["pipeline"]
    assert given["runtimeValue"]["constant"] == document["pipelineInfo"]["name"]
