"""A store in a temporary folder, and workloads that are declared in a line."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from millrace.settings import Settings
from millrace.storage import Store, open_store
from millrace.workload import Workload, load_workload

Declare = Callable[..., Workload]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(Settings(home=tmp_path / "home"))


def declared_in(
    folder: Path, source: dict[str, Any], time: str | None = None, **contract: Any
) -> Workload:
    """Declare a workload on a source, with a clock if it is given one."""
    columns = {"id": {"type": "string"}, "label": {"type": "string"}}
    if time:
        columns[time] = {"type": "timestamp", "timezone": "Europe/Berlin"}
    spec = {
        "source": source,
        "contract": {"columns": columns, **contract},
        "entities": ["e"],
        "features": ["f"],
        "target": {"column": "label", "kind": "binary", "positive": "1"},
        "split": {"by": "hash"},
        "training": {"module": "model:Net"},
    }
    if time:
        spec["time"] = {"event": time}
    document = {
        "apiVersion": "millrace.dev/v1alpha1",
        "kind": "Workload",
        "metadata": {"name": "sample"},
        "spec": spec,
    }
    folder.mkdir(exist_ok=True)
    (folder / "workload.yaml").write_text(yaml.safe_dump(document))
    return load_workload(folder)


@pytest.fixture
def declare(tmp_path: Path) -> Declare:
    """Return a function that declares a workload in a temporary folder."""
    return partial(declared_in, tmp_path / "workload")


@pytest.fixture
def csv_workload(declare: Declare) -> Callable[..., Workload]:
    """Return a function that writes a CSV file and declares a workload on it."""

    def written(content: bytes | str, **options: Any) -> Workload:
        workload = declare({"kind": "csv", "path": "data.csv"}, **options)
        content = content.encode() if isinstance(content, str) else content
        (workload.folder / "data.csv").write_bytes(content)
        return workload

    return written


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Workload:
    """Return a workload whose specification, on `data.csv`, tests may use in other folders."""
    return declared_in(tmp_path_factory.mktemp("shared"), {"kind": "csv", "path": "data.csv"})
