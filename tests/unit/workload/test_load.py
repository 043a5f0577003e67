"""A misspelled declaration is answered with its line and the nearest valid spelling."""

from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from millrace.durations import duration_text
from millrace.errors import WorkloadError
from millrace.workload import load_workload
from millrace.workload.gates import BaselineGate, ChampionGate, ParityGate
from millrace.workload.rollout import Pause, SetWeight
from millrace.workload.serving import Serving

CHURN = Path("workloads/churn/workload.yaml").read_text()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def declared(folder: Path, text: str) -> Path:
    (folder / "workload.yaml").write_text(text)
    return folder


def fault(folder: Path, old: str, new: str) -> str:
    assert CHURN.count(old) >= 1, f"{old!r} is not in churn's workload.yaml"
    with pytest.raises(WorkloadError) as raised:
        load_workload(declared(folder, CHURN.replace(old, new, 1)))
    message = str(raised.value)
    assert "\n" not in message
    assert message.startswith(str(folder / "workload.yaml"))
    return message


def line_of(text: str) -> int:
    return next(n for n, line in enumerate(CHURN.splitlines(), 1) if text in line)


def test_the_first_workload_is_valid() -> None:
    workload = load_workload("workloads/churn")
    assert workload.name == "churn"
    assert workload.labels == {"team": "retention"}
    assert workload.spec.contract.columns["TotalCharges"].nullable


def test_a_workload_can_be_named_by_its_file(folder: Path) -> None:
    declared(folder, CHURN)
    assert load_workload(folder / "workload.yaml").folder == folder


def test_gates_that_every_candidate_must_pass_are_there_though_not_declared(folder: Path) -> None:
    document = yaml.safe_load(CHURN)
    document["spec"]["gates"] = []
    gates = load_workload(declared(folder, yaml.safe_dump(document))).spec.all_gates()
    assert [type(gate) for gate in gates] == [ChampionGate, BaselineGate, ParityGate]


@pytest.mark.parametrize(
    ("old", "new", "key", "nearest"),
    [
        ("  training:", "  trainin:", "spec.trainin", "training"),
        ("epochs: 60", "epohcs: 60", "spec.training.epohcs", "epochs"),
        ("tenure: {type:", "tenure: {typ:", "spec.contract.columns.tenure.typ", "type"),
        ("kind: csv, path:", "kind: csv, pth:", "spec.source.pth", "path"),
        ("by: hash, test:", "by: hash, tset:", "spec.split.tset", "test"),
        ("gap: 0.05", "gpa: 0.05", "spec.gates[4].gpa", "gap"),
        ("completeness: {rows:", "completeness: {row:", "spec.contract.completeness.row", "rows"),
        ("metadata:", "metdata:", "metdata", "metadata"),
        ("  serving:", "  servign:", "spec.servign", "serving"),
        ("latency: 50ms", "latancy: 50ms", "spec.serving.latancy", "latency"),
        ("  rollout:", "  rolout:", "spec.rolout", "rollout"),
        ("    steps:", "    setps:", "spec.rollout.setps", "steps"),
        ("alpha: 0.05", "alhpa: 0.05", "spec.rollout.analysis.alhpa", "alpha"),
        ("slow: 0.01", "slwo: 0.01", "spec.rollout.analysis.tolerance.slwo", "slow"),
        ("rollback: auto", "rolback: auto", "spec.rollout.policy.rolback", "rollback"),
    ],
)
def test_a_misspelled_key_is_answered_with_its_line_and_the_nearest_valid_one(
    folder: Path, old: str, new: str, key: str, nearest: str
) -> None:
    message = fault(folder, old, new)
    assert f"workload.yaml:{line_of(old)}: " in message
    assert f"unknown key {key!r}" in message
    assert f"did you mean {nearest!r}?" in message


def test_a_gate_of_no_known_kind_is_answered_with_the_kinds(folder: Path) -> None:
    message = fault(folder, "{latency: 5ms}", "{latncy: 5ms}")
    assert "spec.gates[7] is no gate" in message
    assert "latency" in message


@pytest.mark.parametrize(
    ("new", "told", "nearest"),
    [
        ("{setWieght: 5}", "spec.rollout.steps[0] is no step; found setWieght", "setWeight"),
        ("{weight: 5}", "expected one of the keys pause, setWeight", "setWeight"),
        ("5", "spec.rollout.steps[0] is no step", ""),
        ("{setWeight: 5, pause: {}}", "keys of spec.rollout.steps[0] exclude each other", ""),
        ("{pause: }", "pause: input should be a mapping of keys to values; found nothing", ""),
        ("{pause: {duraton: 5m}}", "unknown key 'spec.rollout.steps[0].pause.duraton'", "duration"),
        ("{pause: {duration: 5}}", "a duration is a number with a unit", ""),
        ("{pause: {}}", "the first step is a setWeight", ""),
        ("{setWeight: 0}", "greater than or equal to 1", ""),
        ("{setWeight: 100}", "less than or equal to 99", ""),
        ("{setWeight: 5.5}", "valid integer", ""),
        ("{setWeight: 25}", "weights rise from step to step", ""),
    ],
)
def test_a_step_that_is_none_is_answered_with_its_line_and_the_nearest_valid_one(
    folder: Path, new: str, told: str, nearest: str
) -> None:
    message = fault(folder, "{setWeight: 5}", new)
    assert f"workload.yaml:{line_of('{setWeight: 5}')}: " in message or "rollout:" in message
    assert told in message
    assert not nearest or f"did you mean {nearest!r}?" in message


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ("serving: {latency: 0ms}", "spec.serving.latency: no time at all is not enough"),
        ("serving: {lookup: 0s}", "spec.serving.lookup: no time at all is not enough"),
        ("serving: {defaults: {tenure: .nan}}", "spec.serving.defaults.tenure"),
        ("rollout: {analysis: {interval: 0s}}", "an interval is no shorter than 1s"),
        ("rollout: {analysis: {interval: 500ms}}", "an interval is no shorter than 1s"),
        ("rollout: {analysis: {interval: 2d}}", "maxDuration is to be longer than an interval"),
    ],
)
def test_a_quantity_that_nothing_can_be_judged_by_is_refused(
    folder: Path, section: str, told: str
) -> None:
    document = yaml.safe_load(CHURN)
    document["spec"] |= yaml.safe_load(section)
    declared(folder, yaml.safe_dump(document))
    with pytest.raises(WorkloadError) as caught:
        load_workload(folder)
    assert told in str(caught.value)


def test_a_pause_and_a_step_of_one_file_are_read(folder: Path) -> None:
    text = CHURN.replace("{setWeight: 25}", "{pause: {duration: 90m}}, {pause: {}}")
    steps = load_workload(declared(folder, text)).spec.rollout.steps
    assert [type(step) for step in steps] == [SetWeight, Pause, Pause, SetWeight]


def test_a_second_document_in_the_file_is_told(folder: Path) -> None:
    with pytest.raises(WorkloadError, match="a second document begins here"):
        load_workload(declared(folder, f"{CHURN}---\n{CHURN}"))


def test_an_anchor_that_refers_to_itself_is_told(folder: Path) -> None:
    with pytest.raises(WorkloadError, match="an anchor refers to itself"):
        load_workload(declared(folder, "spec: &a [*a]\n"))


@given(st.integers(1, 10**13))
def test_a_duration_is_written_as_it_is_read(microseconds: int) -> None:
    length = timedelta(microseconds=microseconds)
    assert Serving(latency=duration_text(length)).latency == length


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(milliseconds=50), "50ms"),
        (timedelta(seconds=90), "1.5m"),
        (timedelta(hours=24), "1d"),
        (timedelta(days=1, microseconds=1), "86400000.001ms"),
        (timedelta(0), "0ms"),
    ],
)
def test_a_duration_is_written_in_the_greatest_unit_that_is_exact(
    length: timedelta, text: str
) -> None:
    assert duration_text(length) == text


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("latency: 50ms", "latency: 50", "spec.serving.latency: a duration is a number with"),
        ("online: fallback", "online: fallbak", "did you mean 'fallback'?"),
        ("online: fallback", "online: fallback, replicas: 0", "spec.serving.replicas"),
        ("online: fallback", "online: fallback, replicas: 3, maxReplicas: 2", "no less than rep"),
        ("online: fallback", "online: fallback, scaleTarget: 70", "scaleTarget wants maxReplicas"),
        ("online: fallback", "online: fallback, defaults: {tenure: [1]}", "defaults.tenure"),
        ("promote: review", "promote: reviews", "did you mean 'review'?"),
        ("alpha: 0.05", "alpha: 0.5", "spec.rollout.analysis.alpha: input should be less than"),
        ("errors: 0.005", "errors: 0", "spec.rollout.analysis.tolerance.errors"),
        ("maxDuration: 24h", "maxDuration: a day", "a duration is a number with a unit"),
        ("latency: 5ms", "latency: 5 ms", "a duration is a number with a unit"),
        ("size: 5MB", "size: 5", "a size is a number with a unit"),
        ("seed: 7", 'seed: "7"', "spec.training.seed"),
        ("by: hash, test: 0.2", "by: hash, test: 0.95", "leave nothing to train on"),
        ("kind: csv", "kind: cvs", "'csv', 'parquet', 'sql'"),
        ("slice: gender", "slice: tenure", "'tenure' is not one of the slices"),
        ("module: model:ChurnNet", "module: model.ChurnNet", "spec.training.module"),
        ("name: churn", "name: Churn_1", "metadata.name"),
        ("tenure: {type: integer, min: 0, max: 120}", "tenure: {type: integer, min: 9, max: 1}",
         "min 9 is above max 1"),
        ("gender: {type: category, in:", "gender: {type: number, in:", "in is for string"),
        ("epochs: 60", "epochs: 0", "greater than or equal to 1"),
        ("{metric: roc_auc, min: 0.82}", "{metric: roc_auc}", "give either min or max"),
    ],
)  # fmt: skip
def test_an_unusable_value_is_told_with_what_is_expected(
    folder: Path, old: str, new: str, told: str
) -> None:
    assert told in fault(folder, old, new)


@pytest.mark.parametrize(
    ("old", "new", "told", "nearest"),
    [
        ("column: Churn", "column: Chrun", "spec.target.column: 'Chrun' is not a column", "Churn"),
        ("slices: [gender", "slices: [gendr", "spec.slices[0]: 'gendr' is not", "gender"),
        ('positive: "Yes"', "positive: ja", "spec.target.positive: 'ja' is not a value of", ""),
        ('positive: "Yes"', 'positive: "yes"', "expected one of Yes, No", "Yes"),
        ("slice: gender", "slice: gendre", "spec.gates[4].slice: 'gendre' is not one of", "gender"),
        ("metric: roc_auc, min", "metric: roc_acu, min", "spec.gates[0].metric", "roc_auc"),
        ("champion: roc_auc", "champion: ROC-AUC", "spec.gates[2].champion", "roc_auc"),
        ("kind: csv", "kind: cvs", "spec.source", "csv"),
    ],
)
def test_a_misspelled_value_is_answered_with_its_own_line_and_the_nearest_valid_one(
    folder: Path, old: str, new: str, told: str, nearest: str
) -> None:
    message = fault(folder, old, new)
    assert f"workload.yaml:{line_of(old)}: " in message
    assert told in message
    assert ("did you mean" in message) == bool(nearest)
    assert not nearest or f"did you mean {nearest!r}?" in message


@pytest.mark.parametrize(
    ("time", "gap", "told"),
    [
        ("", "16h", "limits of freshness and of gaps, need `time`"),
        ("  time: {event: tenure}\n", "0h", "no time at all is not enough"),
        ("  time: {event: tenure}\n", "16", "a duration is a number with a unit"),
    ],
)
def test_a_limit_of_gaps_needs_a_clock_and_a_length(
    folder: Path, time: str, gap: str, told: str
) -> None:
    text = CHURN.replace("completeness: {", f"completeness: {{gap: {gap}, ")
    with pytest.raises(WorkloadError) as caught:
        load_workload(declared(folder, text.replace("  split:", f"{time}  split:")))
    assert told in str(caught.value)


def test_a_misspelled_time_column_is_answered_with_its_own_line(folder: Path) -> None:
    message = fault(
        folder, "  split:", "  time:\n    event: tenure\n    label_known: tenuer\n  split:"
    )
    assert f"workload.yaml:{line_of('  split:') + 2}: " in message
    assert "spec.time.label_known: 'tenuer' is not a column of the contract" in message
    assert "did you mean 'tenure'?" in message


TIMES = "    columns:\n" + "".join(
    f"      {name}: {{type: timestamp, nullable: true}}\n" for name in ("since", "seen", "known")
)


@pytest.mark.parametrize(
    ("listed", "told"),
    [
        ("[tenure, tenur]", "request[1]: 'tenur' is not a column of the contract"),
        ("[Churn]", "request[0]: 'Churn' is not a column that a request can bring: it is the tar"),
        ("[Contract, tenure, Contract]", "request[2]: 'Contract' is not a column that a request c"),
        ("[Contract, Contract]", "it stands there before"),
        (
            "[tenure, since]",
            "request[1]: 'since' is not a column that a request can bring: it is a",
        ),
        ("[seen]", "it is a column of `time`"),
        ("[known]", "it is a column of `time`"),
    ],
)
def test_a_column_that_no_request_can_bring_is_told_with_its_line(
    folder: Path, listed: str, told: str
) -> None:
    spec = f"  time: {{event: seen, label_known: known}}\n  request: {listed}\n  split:"
    text = CHURN.replace("    columns:\n", TIMES, 1).replace("  split:", spec, 1)
    text = text.replace("Churn: {", "Churn: {nullable: true, ", 1)
    with pytest.raises(WorkloadError) as raised:
        load_workload(declared(folder, text))
    message = str(raised.value)
    assert f"workload.yaml:{line_of('  split:') + 4}: " in message
    assert told in message
    expected = message.partition("expected")[2].partition(";")[0]
    if "of the contract" not in message:
        assert not any(name in expected for name in ("Churn", "since", "seen", "known"))


def test_what_requests_always_bring_has_no_default(folder: Path) -> None:
    message = fault(
        folder, "online: fallback}", "online: fallback, defaults: {tenure: 1}}\n  request: [tenure]"
    )
    assert f"workload.yaml:{line_of('online: fallback')}: " in message
    assert "spec.serving.defaults.tenure: 'tenure' is not a feature of the online store" in message


def test_a_missing_key_is_named(folder: Path) -> None:
    assert "the key 'spec.target.positive' is missing" in fault(folder, ', positive: "Yes"', "")


def test_a_key_that_stands_twice_is_told_with_both_lines(folder: Path) -> None:
    message = fault(folder, "    seed: 7", "    seed: 7\n    epochs: 3")
    assert f"line {line_of('epochs: 60')}" in message
    assert f":{line_of('seed: 7') + 1}:" in message


@pytest.mark.parametrize(
    "text", ["", "# nothing but a comment\n", "a: [1,", "a: 1\n\tb: 2", "- 1\n", "7"]
)
def test_a_file_that_is_no_workload_is_told_in_one_line(folder: Path, text: str) -> None:
    with pytest.raises(WorkloadError) as raised:
        load_workload(declared(folder, text))
    assert "\n" not in str(raised.value)


def test_a_missing_workload_is_answered_with_those_there_are(folder: Path) -> None:
    with pytest.raises(WorkloadError, match="workloads/churn"):
        load_workload(folder / "nowhere")


def test_text_that_is_not_utf_8_is_told(folder: Path) -> None:
    (folder / "workload.yaml").write_bytes(b"name: \xff\xfe")
    with pytest.raises(WorkloadError, match="cannot be read"):
        load_workload(folder)
