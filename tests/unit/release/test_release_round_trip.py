"""What is written is read as the same, and edits keep what people added."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from release_worlds import NOW, ROLLOUT, SITE, canary, released

from millrace.release import (
    ArmRef,
    Canary,
    Position,
    Release,
    advance,
    applied,
    arm_name,
    canary_arm,
    finish_promotion,
    finish_roll_back,
    promote,
    propose_candidate,
    read_desired,
    read_release,
    roll_back,
    write_release,
)
from millrace.release.manifest import rounded
from millrace.release.rendering import inference_service
from millrace.workload.rollout import (
    Analysis,
    Pause,
    PauseLength,
    Policy,
    Rollout,
    SetWeight,
    Tolerance,
)
from millrace.workload.serving import Serving

digests = st.text("0123456789abcdef", min_size=64, max_size=64)
durations = st.integers(1, 10**11).map(lambda us: timedelta(microseconds=us * 1000))
moments = st.floats(0, 4e9).map(rounded)
texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=40)
shares = st.floats(0.001, 1)
permissions = st.sampled_from(["auto", "review"])
policies = st.builds(Policy, advance=permissions, promote=permissions, rollback=permissions)
servings = st.builds(
    Serving,
    latency=durations,
    online=st.sampled_from(["fail", "fallback"]),
    defaults=st.dictionaries(texts, st.floats(-1e9, 1e9) | texts, max_size=3),
    lookup=durations,
    replicas=st.integers(1, 9),
)
pauses = st.builds(Pause, pause=st.builds(PauseLength, duration=st.none() | durations))


@st.composite
def rollouts(draw: st.DrawFn) -> Rollout:
    weights = sorted(draw(st.sets(st.integers(1, 99), min_size=1, max_size=4)))
    steps: list[Any] = []
    for weight in weights:
        steps += [SetWeight(setWeight=weight), *draw(st.lists(pauses, max_size=1))]
    interval = timedelta(seconds=1) + draw(durations)
    analysis = Analysis(
        alpha=draw(st.floats(0.001, 0.49)),
        tolerance=Tolerance(errors=draw(shares), slow=draw(shares), scores=draw(shares)),
        interval=interval,
        minSamples=draw(st.integers(1, 10**6)),
        maxDuration=interval + draw(durations),
    )
    return Rollout(steps=steps, analysis=analysis, policy=draw(policies))


@st.composite
def releases(draw: st.DrawFn) -> Release:
    name = draw(st.from_regex(r"[a-z]([a-z0-9-]{0,12}[a-z0-9])?", fullmatch=True))
    rollout = draw(rollouts())
    version = draw(st.integers(1, 10**6))
    stable = ArmRef(version=version, digest=draw(digests), name=arm_name(name, version))
    trial = None
    weights, position = {stable.name: 100}, Position(since=draw(moments), reason=draw(texts))
    if draw(st.booleans()):
        trial = Canary(
            version=version + 1,
            digest=draw(digests),
            name=arm_name(name, version + 1),
            purpose=draw(st.sampled_from(["release", "restore"])),
            attempt=draw(st.integers(0, 9)),
            score_distance=draw(st.none() | st.floats(0, 1)),
        )
        weight = draw(st.integers(0, 100))
        weights = {stable.name: 100 - weight, trial.name: weight}
        position = Position(
            phase=draw(st.sampled_from(["waiting", "progressing", "promoted", "rolled back"])),
            step=draw(st.integers(-1, len(rollout.steps) - 1)),
            since=draw(moments),
            started=draw(moments),
            reason=draw(texts),
        )
    return Release(
        workload=name,
        stable=stable,
        canary=trial,
        weights=weights,
        serving=draw(servings),
        rollout=rollout,
        position=position,
    )


@given(releases())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_release_is_read_as_it_was_written(release: Release) -> None:
    files = applied({}, write_release(release, SITE))
    assert read_release(files, release.workload) == release
    assert applied({}, write_release(release, SITE)) == files, "the same bytes again"


def test_every_file_says_on_top_what_it_is() -> None:
    files, _ = released()
    assert len(files) == 4
    assert all(content.startswith(b"# ") for content in files.values())


def test_the_objects_are_told_to_whatever_makes_them_so() -> None:
    files, _ = released()
    found = read_desired(files, "churn")
    arm = found.arms["churn-v7"]
    assert arm.storage_uri == f"s3://millrace/bundles/sha256/{arm.digest}"
    assert arm.options["latency"] == "50ms"
    assert arm.args[0] == "--model-name=churn"
    assert (arm.version, arm.replicas) == (7, 1)
    assert found.http.hostnames == ("churn.millrace.localhost",)
    assert [b.port for b in found.http.backends + found.grpc.backends] == [80, 8081]


def test_an_arm_that_may_grow_says_so_in_kserves_own_fields() -> None:
    arm = ArmRef(version=7, digest="7" * 64, name="churn-v7")
    serving = Serving(replicas=2, maxReplicas=6, scaleTarget=60)
    predictor = inference_service("churn", arm, serving, SITE)["spec"]["predictor"]
    told = {name: predictor[name] for name in predictor if name not in ("model",)}
    assert told == {
        "serviceAccountName": "millrace-arm",
        "minReplicas": 2,
        "maxReplicas": 6,
        "scaleMetric": "cpu",
        "scaleTarget": 60,
    }
    grown = inference_service("churn", arm, serving, SITE)
    fixed = inference_service("churn", arm, Serving(replicas=2), SITE, like=grown)
    assert fixed["metadata"]["annotations"]["serving.kserve.io/autoscalerClass"] == "none"
    assert fixed["spec"]["predictor"]["maxReplicas"] == 2
    assert "scaleTarget" not in fixed["spec"]["predictor"]
    assert "serving.kserve.io/autoscalerClass" not in grown["metadata"]["annotations"]


def test_mirrors_and_timeouts_are_told() -> None:
    files, _ = released()
    mirror = {
        "type": "RequestMirror",
        "requestMirror": {"backendRef": {"name": "shadow-predictor", "port": 80}, "percent": 10},
    }
    route = list(yaml.safe_load_all(files["churn/route.yaml"]))
    route[0]["spec"]["rules"][0] |= {"filters": [mirror], "timeouts": {"request": "10s"}}
    files["churn/route.yaml"] = yaml.safe_dump_all(route).encode()
    http = read_desired(files, "churn").http
    assert http.timeout == "10s"
    assert [(m.arm, m.port, m.percent) for m in http.mirrors] == [("shadow", 80, 10.0)]


class Changes(RuleBasedStateMachine):
    """Any order of changes, on files that people have added to."""

    def __init__(self) -> None:
        super().__init__()
        files, _ = released(1)
        route = files["churn/route.yaml"].decode()
        self.files = {
            **files,
            "churn/route.yaml": route.replace(
                "  rules:\n", "  # agreed with the network team\n  rules:\n"
            )
            .replace("    - backendRefs:", "    - timeouts: {request: 9s}\n      backendRefs:")
            .encode(),
            "churn/kustomization.yaml": files["churn/kustomization.yaml"]
            + b"commonLabels: {team: retention}\n",
            "churn/arms/churn-v1.yaml": files["churn/arms/churn-v1.yaml"].replace(
                b"  predictor:\n", b"  predictor:\n    tolerations: [{key: gpu}]\n"
            ),
        }
        self.release = read_release(self.files, "churn")
        self.version, self.now = 1, NOW

    def phase_is(self, *phases: str) -> bool:
        return self.release.position.phase in phases

    def apply(self, changes: Any) -> None:
        self.now += 1
        assert changes, "every change changes something"
        before = self.release
        self.files = applied(self.files, changes)
        after = self.release = read_release(self.files, "churn")
        gone = set(before.weights) - set(after.weights)
        assert all(before.weights[arm] == 0 for arm in gone), "no arm goes that has traffic"
        new = set(after.weights) - set(before.weights)
        assert all(after.weights[arm] == 0 for arm in new), "no arm comes with traffic"

    @precondition(lambda self: self.phase_is("stable"))
    @rule(restore=st.booleans())
    def propose(self, restore: bool) -> None:
        self.version += 1
        arm = canary(self.version, purpose="restore" if restore else "release")
        release = self.release
        content = canary_arm(self.files, release, arm, Serving(), SITE)
        self.apply(
            propose_candidate(
                self.files,
                release,
                arm,
                content,
                serving=Serving(),
                rollout=ROLLOUT,
                now=self.now,
            )
        )

    @precondition(
        lambda self: (
            self.phase_is("waiting", "progressing")
            and self.release.canary.purpose == "release"
            and self.release.position.step < len(ROLLOUT.steps) - 1
        )
    )
    @rule()
    def advance(self) -> None:
        self.apply(advance(self.files, self.release, now=self.now))

    @precondition(lambda self: self.phase_is("waiting", "progressing"))
    @rule()
    def promote(self) -> None:
        self.apply(promote(self.files, self.release, now=self.now))

    @precondition(lambda self: self.phase_is("waiting", "progressing", "promoted"))
    @rule()
    def roll_back(self) -> None:
        self.apply(roll_back(self.files, self.release, now=self.now))

    @precondition(lambda self: self.phase_is("promoted", "rolled back"))
    @rule()
    def finish(self) -> None:
        finish = finish_promotion if self.phase_is("promoted") else finish_roll_back
        self.apply(finish(self.files, self.release, now=self.now))

    @invariant()
    def what_people_added_is_there(self) -> None:
        route = self.files["churn/route.yaml"].decode()
        assert "# agreed with the network team" in route
        assert route.count("timeouts: {request: 9s}") == 2
        kustomization = yaml.safe_load(self.files["churn/kustomization.yaml"])
        assert kustomization["commonLabels"] == {"team": "retention"}
        for path, content in self.files.items():
            if "/arms/" in path:
                predictor = yaml.safe_load(content)["spec"]["predictor"]
                assert predictor["tolerations"] == [{"key": "gpu"}]


Changes.TestCase.settings = settings(
    max_examples=6,
    stateful_step_count=10,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],  # YAML is slow where the machine is busy
)
TestAnyOrderOfChanges = Changes.TestCase
