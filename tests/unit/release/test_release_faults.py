"""What a person gets wrong in a release folder is told with its file, its line and what to do."""

from __future__ import annotations

import pytest
from release_worlds import canary, released, with_canary

from millrace.errors import ReleaseError
from millrace.release import read_release

ARM = "churn/arms/churn-v8.yaml"
ROUTE, ROLLOUT, KUSTOMIZATION = (
    *("churn/route.yaml", "churn/rollout.yaml"),
    "churn/kustomization.yaml",
)
DIGEST = canary(8).digest


@pytest.fixture(scope="module")
def sound() -> dict[str, bytes]:
    return with_canary(*released())[0]


def fault(files: dict[str, bytes]) -> str:
    with pytest.raises(ReleaseError) as raised:
        read_release(files, "churn")
    told = str(raised.value)
    assert "\n" not in told
    assert raised.value.where.startswith("churn/")
    return told


def edited(files: dict[str, bytes], path: str, old: str, new: str, count: int = 1) -> str:
    text = files[path].decode()
    assert text.count(old) >= count, f"{old!r} is not in {path}"
    return fault({**files, path: text.replace(old, new, count).encode()})


@pytest.mark.parametrize(
    ("path", "old", "new", "told"),
    [
        (ROUTE, "weight: 100", "weight: 90", ["weights of the HTTPRoute do not add up to 100",
         "found 90 + 0 = 90", "percent of all requests", "route.yaml:15"]),
        (ROUTE, "weight: 0", "weight: -5", ["backendRefs[1].weight", "found -5"]),
        (ROUTE, "weight: 100", 'weight: "100"', ["weight", "valid integer", "found '100'"]),
        (ROUTE, "          weight: 100\n", "", ["backendRefs[0].weight' is missing"]),
        (ROUTE, "churn-v8-predictor", "churn-v9-predictor", ["churn-v9"]),
        (ROUTE, "churn-v8-predictor", "churn-v8", ["is no arm's Service", "-predictor"]),
        (ROUTE, "port: 80\n", "port: 8080\n", ["names another port", "found 8080; expected 80"]),
        (ROUTE, "value: churn-v8", "value: churn-v7", ["does not set the header millrace-arm",
         "found churn-v7", "count all arms as one"]),
        (ROUTE, "gateway.networking.k8s.io/v1\n", "gateway.networking.k8s.io/v1beta1\n",
         ["apiVersion: input should be 'gateway.networking.k8s.io/v1'", "did you mean"]),
        (ROUTE, "kind: GRPCRoute", "kind: TCPRoute", ["kind", "HTTPRoute", "found 'TCPRoute'"]),
        (ROUTE, "kind: GRPCRoute", "kind: HTTPRoute", ["names another port"]),
        (ROUTE, "- churn.millrace.localhost", "- other.example", ["answer for different hosts"]),
        (ROUTE, "  rules:\n", "  rules:\n    - backendRefs: []\n", ["rules"]),
        (ROLLOUT, "millrace.dev/v1alpha1", "millrace.dev/v1", ["apiVersion", "v1alpha1"]),
        (ROLLOUT, "phase: waiting", "phase: wating", ["did you mean 'waiting'?"]),
        (ROLLOUT, "phase: waiting", "phase: stable", ["does not fit a release with a canary"]),
        (ROLLOUT, "position:", "postion:", ["unknown key 'spec.postion'", "'position'?"]),
        (ROLLOUT, "setWeight: 5\n", "setWieght: 5\n", ["spec.rollout.steps[0] is no step",
         "did you mean 'setWeight'?"]),
        (ROLLOUT, "alpha: 0.05", "alhpa: 0.05", ["spec.rollout.analysis.alhpa", "'alpha'?"]),
        (ROLLOUT, "promote: review", "promote: reveiw", ["did you mean 'review'?"]),
        (ROLLOUT, "maxDuration: 1d", "maxDuration: 1 day", ["a duration is a number with a unit"]),
        (ROLLOUT, "setWeight: 50", "setWeight: 4", ["weights rise from step to step"]),
        (ROLLOUT, "phase: waiting", "phase: waiting\n    step: 7", ["there is no such step",
         "expected -1 to 2"]),
        (ROLLOUT, "name: churn\n", "name: other\n", ["another workload than its folder"]),
        (ROLLOUT, f"digest: {DIGEST}", "digest: sha256-8", ["spec.canary.digest"]),
        (ROLLOUT, "version: 8", "version: 9", ["is another bundle than rollout.yaml says",
         "found version 8"]),
        (ROLLOUT, "name: churn-v8", "name: churn-v7", ["stable and canary are the same arm"]),
        (ROLLOUT, "name: churn-v8", "name: churn-v88", ["churn-v88 has no file",
         "did you mean 'churn-v8'?"]),
        (ROLLOUT, "since: ", "since: soon # ", ["spec.position.since"]),
        (ROLLOUT, "since: ", "since: 12 # ", ["a time is ISO 8601"]),
        (ROLLOUT, "kind: Release", "kind: Release\nkind: Release", ["stands here a second time"]),
        (ROLLOUT, "spec:\n", "spec: &a [*a]\nx:\n", ["an anchor refers to itself"]),
        (ROLLOUT, "spec:", "spec: [", ["is not YAML", "rollout.yaml:"]),
        (ROLLOUT, "spec:", "? [a]\n: b\nspec:", ["a key is no text", "rollout.yaml:"]),
        (ARM, f"bundle: sha256:{DIGEST}", "bundle: sha256:123", ["is no digest",
         "64 lower-case hexadecimal digits"]),
        (ARM, f"bundle: sha256:{DIGEST}", f"bundle: md5:{DIGEST}", ["is no digest"]),
        (ARM, "millrace.dev/bundle", "millrace.dev/bundel", ["millrace.dev/bundle is missing",
         "rename 'millrace.dev/bundel'"]),
        (ARM, "millrace.dev/workload: churn", "millrace.dev/workload: flights",
         ["--model-name contradicts the label"]),
        (ARM, f"--digest={DIGEST}", f"--digest={'0' * 64}", ["--digest contradicts the annotation",
         "churn-v8.yaml:29", f"expected --digest={DIGEST}"]),
        (ARM, f"        - --digest={DIGEST}\n", "", ["the argument --digest is missing"]),
        (ARM, "--version=8", "--version=7", ["--version contradicts the annotation"]),
        (ARM, "--online=fallback", "--online fallback", ["cannot be read", "--NAME=VALUE"]),
        (ARM, "--online=fallback", "--latency=1ms", ["--latency stands here a second time"]),
        (ARM, f"sha256/{DIGEST}", f"sha256/{'0' * 64}", ["storageUri and annotation name diff"]),
        (ARM, "version: '8'", "version: eight", ["is no version", "a number from 1"]),
        (ARM, "kserve.io/v1beta1", "kserve.io/v1", ["apiVersion", "serving.kserve.io/v1beta1"]),
        (ARM, "  name: churn-v8", "  name: churn-v9", ["not named after its arm"]),
        (ARM, "minReplicas: 1", "minReplicas: 0", ["minReplicas", "greater than or equal to 1"]),
        (ARM, "kind: InferenceService", "kind: InferenceService\n---", ["holds one Inf"]),
        (KUSTOMIZATION, "  - route.yaml\n", "", ["do not list route.yaml"]),
        (KUSTOMIZATION, "churn-v8", "churn-v0", ["do not list arms/churn-v8.yaml"]),
        (KUSTOMIZATION, "- route.yaml", "- route.yaml\n  - rollout.yaml",
         ["rollout.yaml is no Kubernetes object"]),
        (KUSTOMIZATION, "- route.yaml", "- route.yaml\n  - arms/churn-v3.yaml",
         ["list a file that is not there"]),
    ],
)  # fmt: skip
def test_a_slip_of_the_hand_is_told(
    sound: dict[str, bytes], path: str, old: str, new: str, told: list[str]
) -> None:
    message = edited(sound, path, old, new)
    assert message.startswith(path.partition("/")[0])
    for part in told:
        assert part in message, message


def test_routes_that_split_the_traffic_differently_are_told(sound: dict[str, bytes]) -> None:
    http, grpc = sound[ROUTE].decode().split("---\n")
    grpc = grpc.replace("weight: 100", "weight: 95").replace("weight: 0", "weight: 5")
    message = fault({**sound, ROUTE: f"{http}---\n{grpc}".encode()})
    assert "found churn-v7 95 %, churn-v8 5 %; expected churn-v7 100 %, churn-v8 0 %" in message
    assert "change both together" in message


def test_an_arm_that_the_routes_name_but_that_has_no_file_is_told(sound: dict[str, bytes]) -> None:
    files, _ = released()
    message = fault({**files, ROUTE: sound[ROUTE]})
    assert "the routes name an arm without a file: churn-v8" in message


def test_an_arm_that_the_routes_do_not_name_is_told(sound: dict[str, bytes]) -> None:
    files, _ = released()
    assert "do not name the arm churn-v8" in fault({**sound, ROUTE: files[ROUTE]})


def test_an_arm_that_is_neither_stable_nor_canary_is_told(sound: dict[str, bytes]) -> None:
    files, _ = released()
    message = fault({**sound, ROLLOUT: files[ROLLOUT]})
    assert message.startswith("churn/arms/churn-v8.yaml: the arm churn-v8 is neither")


@pytest.mark.parametrize("path", [ROUTE, ROLLOUT, KUSTOMIZATION, ARM])
def test_a_missing_file_is_told(sound: dict[str, bytes], path: str) -> None:
    message = fault({name: content for name, content in sound.items() if name != path})
    assert "missing" in message or "has no file" in message


@pytest.mark.parametrize("path", [ROUTE, ROLLOUT, KUSTOMIZATION, ARM])
@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"- 1\n", b"7", b"a: 1\n\tb: 2", b"{}"])
def test_a_file_that_is_something_else_is_told_in_one_line(
    sound: dict[str, bytes], path: str, content: bytes
) -> None:
    assert path in fault({**sound, path: content})


def test_a_workload_that_is_not_released_is_told_with_what_to_do() -> None:
    with pytest.raises(ReleaseError, match="nothing is released; propose one: `millrace run churn"):
        read_release({}, "churn")


def test_what_people_may_add_is_no_fault(sound: dict[str, bytes]) -> None:
    arm = sound[ARM].decode().replace("  predictor:", "  predictor:\n    logger: {mode: all}")
    route = sound[ROUTE].decode().replace("  rules:", "  useDefaultGateways: All\n  rules:")
    more = {"churn/notes.md": b"hello", "churn/extra.yaml": b"kind: ConfigMap\n"}
    read_release({**sound, ARM: arm.encode(), ROUTE: route.encode(), **more}, "churn")
