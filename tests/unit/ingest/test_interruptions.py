"""A full disk or a kill in the middle of a snapshot leaves nothing that looks like one."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from millrace.ingest import ingest, read_snapshot
from millrace.settings import Settings
from millrace.storage import Store, open_store
from millrace.workload import Workload

Written = Callable[..., Workload]

INGEST = """
import resource, sys
from millrace.errors import MillraceError
from millrace.ingest import ingest
from millrace.settings import Settings
from millrace.storage import Store, open_store
from millrace.workload import load_workload

folder, home, limit = sys.argv[1:]
if int(limit):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
try:
    ingest(load_workload(folder), open_store(Settings(home=home)))
except MillraceError as error:
    print(type(error).__name__, error, file=sys.stderr)
    sys.exit(3)
"""


def start(workload: Workload, home: Path, limit: int = 0) -> subprocess.Popen[str]:
    """Ingest in another process, whose files cannot grow beyond a limit in bytes."""
    command = [sys.executable, "-c", INGEST, str(workload.folder), str(home), str(limit)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True)


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("limit", [100, 20_000, 150_000])
def test_a_disk_that_is_full_leaves_nothing(
    csv_workload: Written, tmp_path: Path, limit: int
) -> None:
    rows = "".join(f"{n},{n * 7919 % 1_000_003}\n" for n in range(40_000))
    workload = csv_workload("id,x\n" + rows)
    home = tmp_path / "home"
    process = start(workload, home, limit)
    _, errors = process.communicate()
    assert process.returncode == 3, errors
    assert errors.count("\n") == 1
    assert errors.startswith("StoreError ")
    assert "nothing was half-written" in errors
    assert files(home) == []
    assert list((home / "store" / ".staging").iterdir()) == []
    assert ingest(workload, open_store(Settings(home=home))).is_new


def test_a_kill_in_the_middle_leaves_no_snapshot_and_the_next_run_clears_up(
    csv_workload: Written, tmp_path: Path
) -> None:
    content = "id,x\n" + "".join(f"{n},x\n" for n in range(30_000))
    workload = csv_workload("")
    home, source = tmp_path / "home", workload.folder / "data.csv"
    source.unlink()
    os.mkfifo(source)  # the process waits for the rest, so the middle is where we say it is
    process = start(workload, home)
    with source.open("w") as pipe:
        pipe.write(content)
        pipe.flush()
        assert process.stdout is not None
        assert "source_read" in process.stdout.readline()
        assert len(list((home / "store" / ".staging").iterdir())) == 1
        process.send_signal(signal.SIGKILL)
        process.communicate()

    store = open_store(Settings(home=home))
    assert store.names("snapshots/sample") == []
    source.unlink()
    source.write_text(content)
    snapshot = ingest(workload, store)
    assert snapshot.is_new
    assert store.names("snapshots/sample") == sorted([snapshot.manifest.digest, "history"])
    assert read_snapshot(store.fetch(snapshot.key, tmp_path))[1].num_rows == 30_000
    assert list((home / "store" / ".staging").iterdir()) == []


def test_a_kill_between_snapshot_and_history_is_made_good(
    csv_workload: Written, store: Store
) -> None:
    workload = csv_workload("id,x\na,1\n")
    first = ingest(workload, store)
    shutil.rmtree(store.location("snapshots/sample/history"))
    again = ingest(workload, store)
    assert again.is_new
    assert again.key == first.key
