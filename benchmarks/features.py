"""Materialize and assemble the churn workload, next to plain Feast calls that do the same.

Both read the accepted records, compute features by the workload's functions, write the offline
tables, apply the definitions, materialize to SQLite, ask for the training data of every customer
and write it. Each runs in fresh processes by turns. The peer imports Feast as the pipeline's role
does, without torch; `python -m benchmarks.features` runs this benchmark alone.
"""

from __future__ import annotations

import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.rows import Row, against_peer

WORKLOAD = Path(__file__).parents[1] / "workloads" / "churn"
AS_OF = datetime(2024, 1, 1, tzinfo=UTC)
REPEATS = 7
AT_MOST = 1.1


def run() -> list[Row]:
    """Return the median seconds of whole processes, and of their work without imports."""
    whole: dict[str, list[float]] = {"ours": [], "peer": []}
    work: dict[str, list[float]] = {"ours": [], "peer": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_accepted(folder / "accepted")
        for turn in range(REPEATS + 1):
            for who in ("ours", "peer"):
                began = time.perf_counter()
                seconds = _in_fresh_process(who, folder, turn)
                if turn:  # the first turn warms the disk's cache
                    whole[who].append(time.perf_counter() - began)
                    work[who].append(seconds)
        _expect_equal(folder)
    return [
        _row("materialize + assemble, fresh process, seconds", whole),
        _row("materialize + assemble, imports left out, seconds", work),
    ]


def _row(name: str, taken: dict[str, list[float]]) -> Row:
    ours, peer = statistics.median(taken["ours"]), statistics.median(taken["peer"])
    return against_peer(name, ours, peer, at_most=AT_MOST)


def _in_fresh_process(who: str, folder: Path, turn: int) -> float:
    command = [sys.executable, "-m", "benchmarks.features", who, str(folder), str(turn)]
    process = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(json.loads(process.stdout.splitlines()[-1]))


def write_accepted(folder: Path) -> None:
    """Write the records of all customers as validation would."""
    import pandas as pd

    records = pd.read_csv(WORKLOAD / "data" / "telco.csv", keep_default_na=False)
    records["TotalCharges"] = pd.to_numeric(records["TotalCharges"], errors="coerce")
    folder.mkdir()
    records.to_parquet(folder / "data.parquet", index=False)


def _expect_equal(folder: Path) -> None:
    import pandas as pd

    ours = pd.concat([pd.read_parquet(file) for file in (folder / "dataset").glob("*.parquet")])
    peer = pd.read_parquet(folder / "peer.parquet").drop(columns=["event_timestamp", "Churn"])
    frames = [frame.set_index("customerID").sort_index() for frame in (ours, peer)]
    same = frames[0][frames[1].columns].astype(frames[1].dtypes)
    pd.testing.assert_frame_equal(same, frames[1], rtol=1e-6)


def ours(folder: Path, turn: int) -> float:
    """Do it with the platform; return the seconds without imports."""
    from millrace.dataset.assembly import assemble
    from millrace.features.feast_import import import_feast
    from millrace.features.materialization import materialize
    from millrace.settings import Settings
    from millrace.storage import open_store
    from millrace.workload import load_workload

    import_feast()
    began = time.perf_counter()
    settings = Settings(home=folder / f"home-{turn}")
    workload, store, accepted = load_workload(WORKLOAD), open_store(settings), folder / "accepted"
    materialize(workload, accepted, store, settings, as_of=AS_OF)
    assemble(workload, accepted, folder / "dataset", settings, store, as_of=AS_OF)
    return time.perf_counter() - began


def peer(folder: Path, turn: int) -> float:
    """Do it with Feast alone; return the seconds without imports."""
    modules: dict[str, Any] = sys.modules
    modules["torch"] = None
    import feast
    import pandas as pd

    began = time.perf_counter()
    repository = folder / f"peer-{turn}"
    repository.mkdir()
    features, definitions = _user_module("features"), _user_module("definitions")
    views = [value for value in vars(definitions).values() if isinstance(value, feast.FeatureView)]
    records = pd.read_parquet(folder / "accepted" / "data.parquet")
    for view in views:
        rows = getattr(features, view.name)(records).assign(event_timestamp=AS_OF)
        rows.to_parquet(repository / view.batch_source.path)
    config = feast.RepoConfig(
        project="churn",
        provider="local",
        registry=str(repository / "registry.db"),
        online_store={"type": "sqlite", "path": str(repository / "online.db")},
        entity_key_serialization_version=3,
        repo_path=repository,
    )
    store = feast.FeatureStore(config=config)
    store.apply([definitions.customer, *views])
    store.materialize(datetime(2000, 1, 1, tzinfo=UTC), AS_OF)
    entities = records[["customerID", "Churn"]].assign(event_timestamp=AS_OF)
    names = [f"{view.name}:{field.name}" for view in views for field in view.features]
    training = store.get_historical_features(entity_df=entities, features=names).to_df()
    training.to_parquet(folder / "peer.parquet")
    return time.perf_counter() - began


def _user_module(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, WORKLOAD / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    if len(sys.argv) == 1:
        for measured in run():
            print(json.dumps(measured))
    else:
        role, where, number = sys.argv[1:]
        print(json.dumps({"ours": ours, "peer": peer}[role](Path(where), int(number))))
