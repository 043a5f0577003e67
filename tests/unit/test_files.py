"""What is written is whole, whoever writes and whatever happens meanwhile."""

import os
import signal
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from millrace.documents import Document
from millrace.errors import MillraceError, StoreError
from millrace.files import made_folder, remove_whole, write_whole


class Note(Document):
    """A small document."""

    text: str


def test_a_file_is_replaced_and_its_folder_made(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "er" / "file"
    write_whole(file, b"old")
    write_whole(file, b"new")
    assert file.read_bytes() == b"new"
    assert [path.name for path in file.parent.iterdir()] == ["file"]


def test_others_may_read_what_was_written(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        write_whole(tmp_path / "file", b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o644


def test_what_cannot_be_replaced_stays_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    (tmp_path / "file" / "in-the-way").touch()
    with pytest.raises(StoreError, match=r"file: cannot be written: .*nothing was half-written"):
        write_whole(tmp_path / "file", b"new")
    assert [path.name for path in tmp_path.rglob("*")] == ["file", "in-the-way"]


def test_many_may_write_the_same_file_at_once(tmp_path: Path) -> None:
    file = tmp_path / "file"
    contents = [bytes([number]) * 200_000 for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            list(pool.map(lambda content: write_whole(file, content), contents))
            assert file.read_bytes() in contents
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("write", ["write_whole(file, b'new')", "Note(text='new').write(file)"])
def test_a_kill_leaves_the_old_content(tmp_path: Path, write: str) -> None:
    file = tmp_path / "note.json"
    Note(text="old").write(file)
    before = file.read_bytes()
    script = (
        "import os, pathlib, signal\n"
        "from millrace.documents import Document\n"
        "from millrace.files import write_whole\n"
        "class Note(Document):\n    text: str\n"
        "os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"file = pathlib.Path({str(file)!r})\n{write}\n"
    )
    done = subprocess.run([sys.executable, "-c", script], check=False)
    assert done.returncode == -signal.SIGKILL
    assert file.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 2
    remove_whole(file)
    assert list(tmp_path.iterdir()) == []


def test_removing_a_file_touches_no_other(tmp_path: Path) -> None:
    for name in ("file", ".partial-file-1", "file2", ".partial-other-1"):
        (tmp_path / name).touch()
    remove_whole(tmp_path / "file")
    remove_whole(tmp_path / "file")
    remove_whole(tmp_path / "nowhere" / "file")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".partial-other-1", "file2"]


def test_a_document_is_read_as_it_was_written(tmp_path: Path) -> None:
    Note(text="ä").write(tmp_path / "a" / "note.json")
    assert Note.read(tmp_path / "a" / "note.json") == Note(text="ä")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is no Note document: Invalid JSON"),
        (b"\xff", "is no Note document: Invalid JSON"),
        (b"[]", "is no Note document"),
        (b"{}", "note.json at text: is no Note document: Field required"),
        (b'{"text": "x", "more": 1}', "note.json at more: is no Note document: Extra inputs"),
    ],
)
def test_what_is_no_document_is_told_in_one_line(tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "note.json").write_bytes(content)
    with pytest.raises(MillraceError, match=told) as caught:
        Note.read(tmp_path / "note.json")
    assert "run the step that writes it again" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_document_that_is_not_there_or_a_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(MillraceError, match="the Note document is missing"):
        Note.read(tmp_path / "note.json")
    with pytest.raises(MillraceError, match="the Note document cannot be read: Is a directory"):
        Note.read(tmp_path)


def test_a_folder_that_cannot_be_made_is_told_with_its_remedy(tmp_path: Path) -> None:
    assert made_folder(tmp_path / "a" / "b", "do this").is_dir()
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "under", Path("/proc/nope")):
        with pytest.raises(MillraceError, match=f"^{folder}: the folder cannot be made: .*do this"):
            made_folder(folder, "do this")


def test_a_folder_that_is_not_ours_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # the superuser may write everywhere
    with pytest.raises(MillraceError, match=f"^{tmp_path}: the folder cannot be written to; do it"):
        made_folder(tmp_path, "do it")
