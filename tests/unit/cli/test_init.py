import csv
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from cli.scaffold import scaffold
from millrace.errors import WorkloadError
from millrace.workload import load_workload

FILES = {
    "README.md",
    "data/machines.csv",
    "definitions.py",
    "features.py",
    "model.py",
    "workload.yaml",
}


def everything(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    scaffold("failures", tmp_path / "workloads" / "failures")
    return tmp_path / "workloads" / "failures"


def test_a_new_workload_has_all_its_files(tmp_path):
    written = scaffold("failures", tmp_path / "new")
    assert {path.relative_to(tmp_path / "new").as_posix() for path in written} == FILES
    assert set(everything(tmp_path / "new")) == FILES
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_a_new_workload_can_be_loaded(folder):
    workload = load_workload(folder)
    assert workload.name == "failures"
    assert workload.spec.time is None
    assert (folder / workload.spec.source.path).is_file()


def test_the_records_keep_the_contract(folder):
    workload = load_workload(folder)
    with (folder / workload.spec.source.path).open(newline="", encoding="utf-8") as file:
        records = list(csv.DictReader(file))
    columns = workload.spec.contract.columns
    assert len(records) == 1500
    assert list(records[0]) == list(columns)
    assert len({record["machine_id"] for record in records}) == 1500
    for record in records:
        for name, column in columns.items():
            value = record[name]
            assert value or column.nullable
            assert column.allowed is None or value in column.allowed
            assert column.max is None or float(value) <= column.max
            assert column.min is None or not value or float(value) >= column.min


def test_the_records_have_missing_values_and_both_classes(folder):
    with (folder / "data" / "machines.csv").open(newline="", encoding="utf-8") as file:
        records = list(csv.DictReader(file))
    assert 50 < sum(record["vibration"] == "" for record in records) < 300
    assert 200 < sum(record["failed"] == "yes" for record in records) < 700


def test_the_features_are_those_that_the_definitions_name(folder):
    """In a process of its own: Feast takes seconds to import, and the modules' names are common."""
    script = (
        "import pandas, definitions, features\n"
        "records = pandas.read_csv('data/machines.csv').drop(columns='failed')\n"
        "for view in (definitions.machine_build, definitions.machine_sensors):\n"
        "    rows = getattr(features, view.name)(records)\n"
        "    keys = [definitions.machine.join_key]\n"
        "    assert list(rows) == keys + [field.name for field in view.features], list(rows)\n"
        "    assert len(rows) == len(records)\n"
        "    assert view.batch_source.path == f'{view.name}.parquet'\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=folder, check=True)
    assert load_workload(folder).spec.features == ["machine_build", "machine_sensors"]


def test_the_module_gives_one_logit_a_row(folder):
    torch = pytest.importorskip("torch")
    from millrace.training import Inputs

    names: dict[str, object] = {"__name__": "model"}
    exec(compile((folder / "model.py").read_text(), "model.py", "exec"), names)
    for numbers, cardinalities in ((4, (3, 2)), (4, ()), (0, (3,))):
        net = names["Net"](Inputs(numbers=numbers, cardinalities=cardinalities), width=8)
        for rows in (1, 5):
            categories = torch.zeros(rows, len(cardinalities), dtype=torch.int64)
            assert net(torch.zeros(rows, numbers), categories).shape == (rows,)


def test_two_calls_write_the_same(tmp_path, folder):
    scaffold("failures", tmp_path / "other")
    one, other = everything(folder), everything(tmp_path / "other")
    assert {name for name in one if one[name] != other[name]} == {"README.md"}


def test_no_placeholder_is_left_and_the_readme_names_the_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scaffold("failures", Path("workloads/failures"))
    texts = {name: data.decode() for name, data in everything(Path("workloads/failures")).items()}
    assert not any("{{" in text for text in texts.values())
    assert "millrace run workloads/failures" in texts["README.md"]
    assert not any(str(tmp_path) in text for text in texts.values())


def test_editors_find_the_schema_in_a_folder_of_the_project_only(tmp_path, monkeypatch, folder):
    assert "$schema" not in (folder / "workload.yaml").read_text()
    monkeypatch.setattr("cli.scaffold.write._PROJECT", tmp_path)
    monkeypatch.setattr("cli.scaffold.write._SCHEMA", tmp_path / "millrace" / "schema.json")
    scaffold("again", tmp_path / "workloads" / "again")
    first = (tmp_path / "workloads" / "again" / "workload.yaml").read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=../../millrace/schema.json"


def test_the_declaration_is_commented_and_no_line_of_it_is_too_long(folder):
    text = (folder / "workload.yaml").read_text()
    assert yaml.safe_load(text)["metadata"]["name"] == "failures"
    assert text.count("#") > 15
    assert max(map(len, text.splitlines())) <= 100


def test_the_python_files_are_as_ruff_would_have_them(folder):
    for command in (["check", "--isolated"], ["format", "--isolated", "--check"]):
        line = ["--line-length", "100", str(folder)]
        subprocess.run([sys.executable, "-m", "ruff", *command, *line], check=True)


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("Failures", "such as 'failures'"),
        ("machine_failures", "such as 'machine-failures'"),
        ("7days", "such as 'days'"),
        ("-x-", "such as 'x'"),
        ("a" * 41, f"such as '{'a' * 40}'"),
        ("../evil", "such as 'evil'"),
        ("fails\n", "such as 'fails'"),
        ("", "such as 'machines'"),
        ("Ü", "such as 'machines'"),
    ],
)
def test_a_name_that_kubernetes_would_refuse_is_refused_with_one_that_it_takes(
    tmp_path, name, remedy
):
    with pytest.raises(WorkloadError) as raised:
        scaffold(name, tmp_path / "new")
    line = str(raised.value)
    assert "this cannot be the name of a workload; found" in line
    assert line.endswith(remedy)
    assert "\n" not in line
    assert not (tmp_path / "new").exists()


def test_a_folder_that_holds_something_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(WorkloadError, match="there is something already") as raised:
        scaffold("failures", tmp_path)
    assert str(raised.value).startswith(f"{tmp_path}: ")
    assert everything(tmp_path) == {"mine.txt": b"mine"}


def test_a_file_in_place_of_the_folder_is_left_alone(tmp_path):
    (tmp_path / "new").write_text("mine")
    with pytest.raises(WorkloadError, match="there is something already"):
        scaffold("failures", tmp_path / "new")
    assert (tmp_path / "new").read_text() == "mine"


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "new").mkdir()
    scaffold("failures", tmp_path / "new")
    assert set(everything(tmp_path / "new")) == FILES


def test_a_place_that_cannot_be_written_is_told_in_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkloadError, match=r"file/new: the workload cannot be written") as raised:
        scaffold("failures", tmp_path / "file" / "new")
    assert "\n" not in str(raised.value)


def test_a_full_disk_in_the_middle_leaves_nothing(tmp_path, monkeypatch):
    real = Path.write_text

    def full(self, *args, **kwargs):
        if self.name == "model.py":
            raise OSError(28, "No space left on device", str(self))
        return real(self, *args, **kwargs)

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(WorkloadError, match="No space left on device; free space"):
        scaffold("failures", tmp_path / "new")
    assert list(tmp_path.iterdir()) == []
