"""A workload that passes the check can be run."""

import json
from pathlib import Path

import pytest

from cli.commands.check import check
from cli.scaffold import scaffold
from millrace.errors import MillraceError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    scaffold("failures", tmp_path / "failures")
    return tmp_path / "failures"


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def fault(folder: Path) -> str:
    with pytest.raises(MillraceError) as raised:
        check(str(folder), as_json=False)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_a_sound_workload_passes_and_says_what_was_tried(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(folder / "features.py", "    rows = records", "    print('noise')\n    rows = records")
    check(str(folder), as_json=True)
    passed = json.loads(capsys.readouterr().out)["passed"]
    assert list(passed) == ["declaration", "source", "features", "module"]
    assert passed["declaration"] == "predicts the probability that failed is yes; 7 gates"
    assert passed["features"].endswith("tried on 500 records")


def test_what_requests_bring_has_a_line_of_its_own(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(
        folder / "workload.yaml",
        "  features: [machine_build, machine_sensors]",
        "  features: [machine_sensors]\n  request: [site, age_months, machine_id]",
    )
    check(str(folder), as_json=True)
    passed = json.loads(capsys.readouterr().out)["passed"]
    assert list(passed) == ["declaration", "source", "features", "request", "module"]
    assert passed["request"] == "3 more features: site, age_months, machine_id"
    assert passed["features"].startswith("4 features of 1 feature views")


def test_a_function_that_raises_is_told_with_its_line(folder: Path) -> None:
    edit(folder / "features.py", 'rows["load"] * records', 'rows["laod"] * records')
    told = fault(folder)
    assert "features.py:20: the function 'machine_sensors' fails: KeyError: 'laod'" in told


def test_a_function_that_returns_other_columns_is_told(folder: Path) -> None:
    edit(folder / "features.py", "rows.assign(strain=", "rows.assign(strian=")
    told = fault(folder)
    assert "returns rows without the column 'strain'" in told
    assert "did you mean 'strian'?" in told


def test_broken_records_are_left_out_of_the_trial(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (folder / "data" / "machines.csv").read_text().splitlines()
    broken = [line.replace("m-", "x-", 1) for line in lines[1:401]]
    (folder / "data" / "machines.csv").write_text("\n".join([lines[0], *broken, *lines[401:]]))
    check(str(folder), as_json=True)
    passed = json.loads(capsys.readouterr().out)["passed"]
    assert passed["features"].endswith("tried on 100 records")


def test_a_source_without_sound_records_leaves_the_functions_untried(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(folder / "workload.yaml", "m-[0-9]{4}", "x-[0-9]{4}")
    check(str(folder), as_json=True)
    passed = json.loads(capsys.readouterr().out)["passed"]
    assert "not tried" in passed["features"]


def test_a_renamed_column_is_told_with_its_place(folder: Path) -> None:
    edit(folder / "data" / "machines.csv", "temperature", "temprature")
    told = fault(folder)
    assert "the column 'temperature' is missing in line 1 of data/machines.csv" in told
    assert "rename 'temprature' back to 'temperature' at the source" in told


def test_a_module_that_answers_too_little_for_the_quantiles_is_told(folder: Path) -> None:
    edit(
        folder / "workload.yaml",
        'target: {column: failed, kind: binary, positive: "yes"}',
        "target: {column: load, kind: regression, quantiles: [0.1, 0.9]}",
    )
    edit(folder / "workload.yaml", "metric: roc_auc, min: 0.75", "metric: rmse, max: 9")
    for _ in range(3):
        edit(folder / "workload.yaml", "roc_auc", "rmse")
    edit(folder / "features.py", '"load", "temperature"', '"temperature"')
    edit(folder / "features.py", 'rows["load"] * records', 'rows["temperature"] * records')
    edit(folder / "definitions.py", '        Field(name="load", dtype=Float64),\n', "")
    told = fault(folder)
    assert "found float32 [3]; expected float32 [3, 3], the mean and 2 quantiles a row" in told


def test_a_positive_value_that_no_record_can_have_is_told(folder: Path) -> None:
    edit(folder / "workload.yaml", 'positive: "yes"', "positive: ja")
    assert "spec.target.positive: 'ja' is not a value of the column 'failed'" in fault(folder)
