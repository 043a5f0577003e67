"""A workload's own Python: names that do not clash, faults with a line, a revision of all code."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from feature_worlds import World

from millrace.errors import WorkloadError
from millrace.workload.code import code_revision, import_object, import_user_module


def test_files_of_the_same_name_in_two_workloads_do_not_clash(tmp_path: Path) -> None:
    one, two = World(tmp_path / "1", name="one"), World(tmp_path / "2", name="two")
    one.write("model.py", "from .helper import VALUE\n")
    one.write("helper.py", "VALUE = 1\n")
    two.write("model.py", "from .helper import VALUE\n")
    two.write("helper.py", "VALUE = 2\n")
    first = import_user_module(one.workload, "model")
    assert import_user_module(two.workload, "model").VALUE == 2
    assert first.VALUE == 1
    assert "model" not in sys.modules


def test_a_file_that_was_edited_is_read_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    for value in (1, 2, 3):
        world.write("model.py", f"NUMBER = {value}\n")
        assert import_object(world.workload, "model:NUMBER") == value


def test_a_class_of_the_folder_is_found_by_its_address(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("model.py", "class Net:\n    kind = 'mine'\n")
    assert import_object(world.workload, "model:Net").kind == "mine"


@pytest.mark.parametrize(
    ("content", "address", "told"),
    [
        ("", "modle:Net", "modle.py: there is no such file; found broken.py"),
        ("", "modle:Net", "did you mean 'model'?"),
        ("class Nets: ...", "model:Net", "model.py: 'Net' is not defined; found Nets"),
        ("class Nets: ...", "model:Net", "did you mean 'Nets'?"),
        ("x = 1\nclass Net(:\n", "model:Net", "model.py:2: is not Python: "),
        ("\nx = 1 / 0\n", "model:Net", "model.py:2: cannot be imported: ZeroDivisionError"),
        ("import sys\nsys.exit(3)\n", "model:Net", "model.py:2: cannot be imported: SystemExit: 3"),
        ("import nonesuch\n", "model:Net", "'nonesuch' is not installed in the environment"),
        ("import my_own\n", "model:Net", "write `from .my_own import ...`, with a dot"),
        ("from . import broken\n", "model:Net", "broken.py:1: is not Python"),
        ("\0", "model:Net", "model.py"),
    ],
)
def test_what_cannot_be_imported_is_told_in_one_line(
    tmp_path: Path, content: str, address: str, told: str
) -> None:
    world = World(tmp_path)
    world.write("model.py", content)
    world.write("broken.py", "def\n")
    world.write("my_own.py", "")
    with pytest.raises(WorkloadError) as caught:
        import_object(world.workload, address)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(world.folder) in str(caught.value)


def test_the_revision_is_the_same_wherever_the_code_lies(tmp_path: Path) -> None:
    here, there = World(tmp_path / "here"), World(tmp_path / "far" / "there")
    assert code_revision(here.workload) == code_revision(there.workload)


@pytest.mark.parametrize(
    ("source", "data"),
    [
        ({"kind": "csv", "path": "data.csv"}, ["data.csv"]),
        ({"kind": "parquet", "path": "./data/"}, ["data/1.parquet", "data/more/2.parquet"]),
        (
            {"kind": "sql", "url": "sqlite:///data.db", "query": "SELECT 1"},
            ["data.db", "data.db-wal"],
        ),
    ],
    ids=["file", "folder", "database"],
)
def test_the_revision_leaves_out_data_hidden_files_and_what_is_compiled(
    tmp_path: Path, source: dict[str, str], data: list[str]
) -> None:
    world = World(tmp_path)
    world.write_spec(source=source)
    before = code_revision(world.workload)
    for name in (*data, ".notes", ".git/HEAD", "__pycache__/x.pyc", "old.pyc", "__pycache__/x"):
        (world.folder / name).parent.mkdir(parents=True, exist_ok=True)
        world.write(name, "new")
        assert code_revision(world.workload) == before, name
    world.write("data.md", "about the data")
    assert code_revision(world.workload) != before


def test_the_revision_leaves_out_how_the_model_is_served_and_judged_on_trial(
    tmp_path: Path,
) -> None:
    world = World(tmp_path)
    before = code_revision(world.workload)
    world.write_spec(
        serving={"latency": "20ms", "replicas": 3},
        rollout={"steps": [{"setWeight": 10}], "policy": {"promote": "auto"}},
    )
    assert code_revision(world.workload) == before
    world.write_spec(slices=["plan"])
    assert code_revision(world.workload) != before


def test_a_source_that_is_the_whole_folder_hides_no_code(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write_spec(source={"kind": "parquet", "path": "."})
    before = code_revision(world.workload)
    world.write("helper.py", "VALUE = 1\n")
    assert code_revision(world.workload) != before


def test_a_file_that_cannot_be_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path)
    world.write("secret.txt", "x")
    opened = Path.open

    def refused(self: Path, *args: Any, **more: Any) -> Any:
        # The superuser, whom tests may run as, may read whatever its mode says.
        if self.name == "secret.txt":
            raise PermissionError(13, "Permission denied")
        return opened(self, *args, **more)

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(WorkloadError, match=r"secret\.txt: cannot be read: Permission denied"):
        code_revision(world.workload)


def test_the_revision_changes_with_the_workload_and_with_the_platform(tmp_path: Path) -> None:
    world = World(tmp_path / "world")
    revisions = [code_revision(world.workload)]
    world.write("helper.py", "VALUE = 1\n")
    revisions.append(code_revision(world.workload))
    world.write_spec(slices=["plan"])
    revisions.append(code_revision(world.workload))
    world.write("width.txt", "8")
    revisions.append(code_revision(world.workload))
    (world.folder / "tables").mkdir()
    world.write("tables/zones.csv", "a,b")
    revisions.append(code_revision(world.workload))
    world.write("tables/zones.csv", "a,c")
    revisions.append(code_revision(world.workload))

    root = Path(__file__).parents[3]
    copy = tmp_path / "copy"
    ignore = shutil.ignore_patterns("__pycache__")
    for package in ("millrace", "components"):
        shutil.copytree(root / package, copy / package, ignore=ignore)
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from millrace.workload import load_workload\n"
        "from millrace.workload.code import code_revision\n"
        "print(code_revision(load_workload(sys.argv[2])))"
    )
    command = [sys.executable, "-c", script, str(copy), str(world.folder)]
    same = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert same.stdout.strip() == revisions[-1]
    with (copy / "components" / "__init__.py").open("a") as file:
        file.write("\nCHANGED = True\n")
    other = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    revisions.append(other.stdout.strip())
    assert len(set(revisions)) == len(revisions)
