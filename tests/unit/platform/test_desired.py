"""A folder of the deploy repository, as it stands; what is broken leaves the old in force."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from releases import Files, changed, files

from millrace.deploy import Changes, Commit
from millrace.errors import DeployError, ReleaseError
from serving.local.desired import Wanted, objective_of, read_wanted
from serving.local.splits import Copies, HeaderChanges
from serving.local.watch import Watch


def test_a_release_is_arms_and_a_host() -> None:
    wanted = read_wanted(files(), "pumps")
    assert wanted is not None
    assert wanted.arms.keys() == {"pumps-v1", "pumps-v2"}
    assert objective_of(wanted.arms["pumps-v1"]) == 0.05
    assert wanted.host is not None
    assert wanted.host.names == ("pumps.millrace.localhost",)
    assert wanted.host.http is not None
    assert wanted.host.grpc is not None
    assert wanted.host.http.weights == wanted.host.grpc.weights == {"pumps-v1": 95, "pumps-v2": 5}
    assert wanted.host.http.targets[1].request == HeaderChanges({"millrace-arm": "pumps-v2"})
    assert wanted.canary == "pumps-v2"


def test_the_intent_is_not_needed_as_kubectl_does_not_need_it() -> None:
    found = files()
    del found["pumps/rollout.yaml"]
    assert read_wanted(found, "pumps") is not None


def test_a_folder_without_a_kustomization_asks_for_nothing() -> None:
    assert read_wanted({"docs/readme.md": b"hello"}, "docs") is None


def route_with(more: str) -> Files:
    """Return a release whose HTTPRoute's rule says more."""
    found = files()
    documents = list(yaml.safe_load_all(found["pumps/route.yaml"]))
    [http] = [one for one in documents if one["kind"] == "HTTPRoute"]
    http["spec"]["rules"][0].update(yaml.safe_load(more))
    return {**found, "pumps/route.yaml": yaml.safe_dump_all(documents).encode()}


def test_copies_headers_and_time_limits_are_honoured() -> None:
    more = """filters:
- type: RequestMirror
  requestMirror: {backendRef: {name: pumps-v2-predictor, port: 80}, percent: 10}
- type: RequestHeaderModifier
  requestHeaderModifier: {add: [{name: x-a, value: b}], remove: [x-secret]}
timeouts: {request: 1m30s}"""
    wanted = read_wanted(route_with(more), "pumps")
    assert wanted is not None
    assert wanted.host is not None
    split = wanted.host.http
    assert split is not None
    assert split.copies == (Copies("pumps-v2", 10.0),)
    assert split.timeout == 90.0
    assert split.targets[0].request == HeaderChanges(
        {"millrace-arm": "pumps-v1"}, {"x-a": "b"}, ("x-secret",)
    )


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("matches: [{path: {type: Exact, value: /x}}]", "some requests only"),
        ("filters: [{type: URLRewrite, urlRewrite: {}}]", "the filter URLRewrite"),
        ("filters: [{type: ResponseHeaderModifier}]", "cannot be read"),
        (
            "filters: [{type: RequestMirror, "
            "requestMirror: {backendRef: {name: else, port: 80}, percent: 10}}]",
            "copies to else",
        ),
    ],
)
def test_what_the_local_gateway_does_not_do_is_refused_with_its_line(more: str, told: str) -> None:
    with pytest.raises(ReleaseError, match=told) as refused:
        read_wanted(route_with(more), "pumps")
    assert refused.value.where.startswith("pumps/route.yaml:")


def test_a_grpc_route_may_name_the_services_that_predictors_answer_and_no_fewer() -> None:
    wanted = read_wanted(files(), "pumps")
    assert wanted is not None
    assert wanted.host is not None
    assert wanted.host.grpc is not None
    fewer = changed("pumps/route.yaml", "service: grpc.health.v1.Health", "service: other.Service")
    with pytest.raises(ReleaseError, match="some requests only"):
        read_wanted(fewer, "pumps")


def header(kind: str, change: str) -> str:
    return f"filters: [{{type: {kind}HeaderModifier, {kind.lower()}HeaderModifier: {{{change}}}}}]"


LONG = "a" * 4097


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (header("Request", "set: [{name: hOst, value: x}]"), "does not do this: another hOst"),
        (header("Response", "remove: [Host]"), "does not do this: another Host"),
        (header("Request", "set: [{name: ':path', value: x}]"), "no name of a header; found ':pa"),
        (header("Request", "add: [{name: '', value: x}]"), "no name of a header; found ''"),
        (header("Request", r'set: [{name: a, value: "x\ny"}]'), r"value of a header; found 'x\ny'"),
        (header("Request", r'set: [{name: a, value: "\0"}]'), "no value of a header"),
        (header("Request", "set: [{name: a, value: ' x'}]"), "no value of a header; found ' x'"),
        (header("Request", f"set: [{{name: a, value: {LONG}}}]"), "no value of a header"),
        (header("Request", f"remove: [{', '.join('a' * 17)}]"), "too many headers under `remove`"),
        (header("Response", "set: {name: a}"), "cannot be read"),
        (header("Response", "set: [{name: a, value: 5}]"), "cannot be read"),
        ("timeouts: {request: abc}", "this is no duration; found 'abc'"),
        ("timeouts: {request: '10'}", "this is no duration; found '10'"),
        ("timeouts: {request: 1.5s}", "this is no duration; found '1.5s'"),
        ("timeouts: {request: ''}", "this is no duration; found ''"),
        ("timeouts: {request: 100000s}", "this is no duration; found '100000s'"),
        (
            "filters: [{type: RequestMirror, requestMirror: {backendRef: "
            "{name: pumps-v2-predictor, port: 80}, fraction: {numerator: 3, denominator: 2}}}]",
            "no more than the requests; found 150 %",
        ),
    ],
)
def test_what_a_gateway_would_not_take_or_take_for_something_else_is_told_with_its_line(
    more: str, told: str
) -> None:
    with pytest.raises(ReleaseError) as refused:
        read_wanted(route_with(more), "pumps")
    assert told in str(refused.value)
    line = int(refused.value.where.removeprefix("pumps/route.yaml:"))
    lines = route_with(more)["pumps/route.yaml"].decode().splitlines()
    assert line > lines.index("  rules:")


@pytest.mark.parametrize(
    ("text", "seconds"), [("0s", 0), ("90m", 5400), ("1h1m1s1ms", 3661.001), ("10s", 10)]
)
def test_a_time_limit_is_read_as_the_gateway_api_writes_it(text: str, seconds: float) -> None:
    wanted = read_wanted(route_with(f"timeouts: {{request: {text}}}"), "pumps")
    assert wanted is not None
    assert wanted.host is not None
    assert wanted.host.http is not None
    assert wanted.host.http.timeout == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("hosts", "told"),
    [
        ("[a.example, b.example, A.example]", "the host a.example stands here a second time"),
        ("['*']", "no name of a host; found '*'"),
        ("['a.example:80']", "no name of a host; found 'a.example:80'"),
        ("['']", "no name of a host; found ''"),
        ("[a..b]", "no name of a host; found 'a..b'"),
    ],
)
def test_a_host_that_no_gateway_could_tell_from_others_is_told_with_its_line(
    hosts: str, told: str
) -> None:
    before = "- pumps.millrace.localhost"
    found = changed("pumps/route.yaml", before, hosts)
    with pytest.raises(ReleaseError) as refused:
        read_wanted(found, "pumps")
    assert told in str(refused.value)
    lines = found["pumps/route.yaml"].decode().splitlines()
    line = next(number for number, text in enumerate(lines, 1) if hosts in text)
    assert refused.value.where == f"pumps/route.yaml:{line}"


def test_an_arm_whose_service_kubernetes_would_not_take_is_told_with_its_line() -> None:
    path = "pumps/arms/pumps-v2.yaml"
    with pytest.raises(ReleaseError, match="too long for its Service; found 80 letters") as refused:
        read_wanted(changed(path, "name: pumps-v2", f"name: {'a' * 80}"), "pumps")
    assert refused.value.where.startswith(f"{path}:")


def test_an_unknown_runtime_without_weight_is_told_and_left_alone() -> None:
    found = changed(
        "pumps/arms/pumps-v2.yaml",
        "runtime: millrace-onnx",
        "runtime: tritonserver",
        files(canary=0),
    )
    wanted = read_wanted(found, "pumps")
    assert wanted is not None
    assert wanted.arms.keys() == {"pumps-v1"}
    assert "the runtime tritonserver does not run here" in wanted.left_alone[0]


@pytest.mark.parametrize(
    ("path", "before", "after", "told"),
    [
        (
            "pumps/arms/pumps-v2.yaml",
            "runtime: millrace-onnx",
            "runtime: sklearn",
            "pumps-v2 shall get requests, but its runtime does not run here; found sklearn; "
            "expected millrace-onnx",
        ),
        (
            "pumps/arms/pumps-v2.yaml",
            "kind: InferenceService",
            "kind: InferenceGraph",
            "pumps-v2 shall get requests, but it is no InferenceService; found InferenceGraph",
        ),
        (
            "pumps/kustomization.yaml",
            "  - arms/pumps-v2.yaml\n",
            "",
            "pumps-v2 shall get requests, but no file that the kustomization lists holds it",
        ),
    ],
)
def test_an_arm_with_weight_that_does_not_run_here_is_a_fault_until_it_is_mended(
    path: str, before: str, after: str, told: str
) -> None:
    world = World()
    world.look(pumps=files(canary=25))
    world.look(pumps=changed(path, before, after))
    [fault] = world.watch.asked.faults
    assert told in fault
    assert "what served before goes on" in fault
    assert fault.startswith("pumps/")
    assert world.watch.asked.wanted["pumps"].arms.keys() == {"pumps-v1", "pumps-v2"}
    assert world.weight() == 25
    world.look(pumps=files())
    assert world.watch.asked.faults == ()
    assert world.told == [("fault", fault), ("fault_gone", "mended: pumps")]


def test_a_broken_intent_is_told_once_and_the_routes_are_followed_on() -> None:
    world = World()
    world.look(pumps=changed("pumps/rollout.yaml", "stable:", "stabel:"))
    world.look(pumps=changed("pumps/rollout.yaml", "stable:", "stabel:", files(canary=25)))
    [(event, line)] = world.told
    assert event == "left_alone"
    assert line.startswith("pumps/rollout.yaml:")
    assert "did you mean 'stable'?" in line
    assert world.weight() == 25


@pytest.mark.parametrize("given", ["50", "soon", "9" * 30 + "d"])
def test_an_objective_that_is_no_duration_is_told_with_what_was_found_and_expected(
    given: str,
) -> None:
    broken = changed("pumps/arms/pumps-v1.yaml", "--latency=50ms", f"--latency={given}")
    with pytest.raises(ReleaseError) as refused:
        read_wanted(broken, "pumps")
    lines = broken["pumps/arms/pumps-v1.yaml"].decode().splitlines()
    [line] = [number for number, text in enumerate(lines, 1) if "--latency" in text]
    assert str(refused.value) == (
        f"pumps/arms/pumps-v1.yaml:{line}: the argument --latency is no duration; "
        f"found '{given}'; expected a number with a unit of ms, s, m, h, d or w, such as "
        "--latency=50ms; mend the value"
    )


def test_an_object_of_an_unknown_kind_is_told_and_left_alone() -> None:
    found = changed("pumps/kustomization.yaml", "resources:\n", "resources:\n  - extra.yaml\n")
    wanted = read_wanted({**found, "pumps/extra.yaml": b"kind: ConfigMap\n"}, "pumps")
    assert wanted is not None
    assert "ConfigMap" in wanted.left_alone[0]


@pytest.mark.parametrize(
    ("path", "before", "after", "told"),
    [
        ("pumps/route.yaml", "weight: 95", "weight: [", "not YAML"),
        ("pumps/route.yaml", "weight: 95", "weight: 96", "add up to 100"),
        ("pumps/kustomization.yaml", "route.yaml", "rout.yaml", "not there: rout.yaml"),
        ("pumps/arms/pumps-v1.yaml", "--latency=50ms", "--latency=soon", "--latency"),
        ("pumps/arms/pumps-v2.yaml", "name: pumps-v2", "name: pumps-v1", "a second Inference"),
    ],
)
def test_a_broken_file_is_told_in_one_line_with_its_place(
    path: str, before: str, after: str, told: str
) -> None:
    with pytest.raises(ReleaseError, match=told) as refused:
        read_wanted(changed(path, before, after), "pumps")
    assert str(refused.value).startswith("pumps/")


class FakeRepository:
    """A main branch of folders; each change is another commit."""

    def __init__(self) -> None:
        self.content: dict[str, Files] = {}
        self.commits = 0
        self.root = "first"
        self.fault: Exception | None = None

    def change(self, **folders: Files | None) -> None:
        self.commits += 1
        for name, content in folders.items():
            if content is None:
                del self.content[name]
            else:
                self.content[name] = content

    def head(self) -> str:
        if self.fault:
            raise self.fault
        return f"commit {self.commits} after {self.root}"

    def files(self, commit: str, folder: str) -> Files:
        return self.content[folder]

    def folders(self, commit: str) -> list[str]:
        return sorted(self.content)

    def history(self, commit: str, path: str, *, since: float = 0.0) -> list[Commit]:
        if not commit.endswith(self.root):
            raise DeployError("there is no such commit")
        return [Commit(id=one, time=0.0, subject="") for one in (commit, self.root)]

    def commit(self, parent: str, changes: Changes, message: str) -> str:
        raise NotImplementedError

    def changes(self, *_arguments: object) -> object:
        raise NotImplementedError


class World:
    def __init__(self, logs: Path = Path(os.devnull)) -> None:
        self.repository = FakeRepository()
        self.told: list[tuple[str, str]] = []
        self.watch = Watch(self.repository, lambda: None, self._tell, logs)  # type: ignore[arg-type]

    def _tell(self, event: str, line: str) -> None:
        self.told.append((event, line))

    def look(self, **folders: Files | None) -> Mapping[str, object]:
        if folders:
            self.repository.change(**folders)
        self.watch.look()
        return self.watch.asked.wanted

    def weight(self, workload: str = "pumps") -> int:
        host = self.watch.asked.wanted[workload].host
        assert host is not None
        assert host.http is not None
        return host.http.weights[f"{workload}-v2"]


def test_a_broken_folder_leaves_what_it_said_before_and_the_others_go_on() -> None:
    world = World()
    world.look(pumps=files(), valves=files("valves"))
    broken = changed("pumps/route.yaml", "weight: 95", "weight: 96")
    world.look(pumps=broken, valves=files("valves", 25))
    assert (world.weight(), world.weight("valves")) == (5, 25)
    assert "add up to 100" in world.watch.asked.faults[0]


def test_a_fault_is_told_once_and_its_end_too() -> None:
    world = World()
    broken = changed("pumps/route.yaml", "weight: 95", "weight: 96")
    world.look(pumps=broken)
    world.look()
    world.look(pumps=dict(broken))
    assert [event for event, _ in world.told] == ["fault"]
    world.look(pumps=files())
    assert [event for event, _ in world.told] == ["fault", "fault_gone"]
    assert world.watch.asked.faults == ()


def test_a_repository_that_does_not_answer_changes_nothing() -> None:
    world = World()
    world.look(pumps=files())
    world.repository.fault = DeployError("does not answer")
    assert world.look().keys() == {"pumps"}
    assert world.watch.asked.faults == ("does not answer",)
    world.repository.fault = None
    world.look()
    assert world.watch.asked.faults == ()


def test_a_value_that_yaml_cannot_make_is_a_fault_of_its_folder_alone() -> None:
    world = World()
    world.look(pumps=files(), valves=files("valves"))
    broken = changed(
        "pumps/arms/pumps-v1.yaml", "kind: Inference", "note: !!timestamp z\nkind: Inference"
    )
    world.look(pumps=broken, valves=files("valves", 25))
    assert (world.weight(), world.weight("valves")) == (5, 25)
    [fault] = world.watch.asked.faults
    assert fault.startswith("pumps/arms/pumps-v1.yaml:")
    assert "is not YAML: this is no timestamp" in fault


def test_an_error_that_nobody_foresaw_is_a_fault_of_its_folder_and_its_traceback_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(found: Files, folder: str) -> Wanted | None:
        if folder == "pumps":
            raise KeyError("x")
        return read_wanted(found, folder)

    world = World(tmp_path)
    world.look(pumps=files(), valves=files("valves"))
    with monkeypatch.context() as patch:
        patch.setattr("serving.local.watch.read_wanted", read)
        world.look(pumps=files(canary=25), valves=files("valves", 25))
        world.look(valves=files("valves", 50))
    assert (world.weight(), world.weight("valves")) == (5, 50)
    [(event, fault)] = world.told
    assert (event, world.watch.asked.faults) == ("fault", (fault,))
    assert fault == (
        "pumps: an error that nobody foresaw: KeyError: 'x'; "
        f"its traceback is at the end of {tmp_path / 'platform.log'}"
    )
    [line] = (tmp_path / "platform.log").read_text().splitlines()
    assert json.loads(line)["where"] == "pumps"
    assert "in read" in json.loads(line)["exception"]
    world.look(pumps=files(canary=25))
    assert (world.weight(), world.watch.asked.faults) == (25, ())


def test_an_error_of_the_repository_that_nobody_foresaw_changes_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.look(pumps=files())
    world.repository.fault = UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")
    assert world.look().keys() == {"pumps"}
    assert "the deploy repository: an error that nobody" in world.watch.asked.faults[0]
    world.repository.fault = None
    world.look()
    assert world.watch.asked.faults == ()


def test_a_folder_that_goes_is_gone_and_its_fault_with_it() -> None:
    world = World()
    world.look(pumps=files(), valves=changed("pumps/route.yaml", "weight: 95", "weight: 96"))
    assert world.look(pumps=None, valves=None) == {}
    assert world.watch.asked.faults == ()


def test_an_empty_repository_in_the_place_of_the_one_that_was_followed_changes_nothing() -> None:
    world = World()
    world.look(pumps=files())
    former, world.repository = world.repository, FakeRepository()
    world.repository.root = "another"
    world.watch._repository = world.repository  # type: ignore[assignment]
    assert world.look().keys() == {"pumps"}
    assert "another repository" in world.watch.asked.faults[0]
    world.watch._repository = former  # type: ignore[assignment]
    assert world.look().keys() == {"pumps"}
    assert world.watch.asked.faults == ()


def test_two_folders_may_not_answer_for_one_host() -> None:
    world = World()
    other = {path.replace("pumps/", "valves/"): content for path, content in files().items()}
    world.look(pumps=files(), valves=other)
    assert world.watch.asked.wanted.keys() == {"pumps"}
    assert "belongs to pumps already" in world.watch.asked.faults[0]


values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 200) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


def places(value: object, here: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value)  # type: ignore[arg-type]
    found = [here] if here else []
    for key, one in inner:
        at = (*here, key)
        found += places(one, at) if isinstance(one, dict | list) else [at]
    return found


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_whatever_a_person_writes_into_a_file_is_taken_or_refused_in_one_line(
    data: st.DataObject,
) -> None:
    found = files()
    path = data.draw(st.sampled_from([name for name in found if "rollout" not in name]))
    documents = list(yaml.safe_load_all(found[path]))
    *way, last = data.draw(st.sampled_from(places(documents)))
    target = documents
    for key in way:
        target = target[key]  # type: ignore[call-overload]
    target[last] = data.draw(values)  # type: ignore[call-overload]
    found[path] = yaml.safe_dump_all(documents).encode()
    try:
        read_wanted(found, "pumps")
    except ReleaseError as refused:
        assert "\n" not in str(refused)
        assert refused.where.startswith("pumps")
