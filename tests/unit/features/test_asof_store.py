"""Our offline store next to Feast's own: the same answers, and none left out."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feature_worlds import DAY, START, TIMED_DEFINITIONS, World, timed_world, visits
from hypothesis import given, settings
from hypothesis import strategies as st

from millrace.features.connect import open_to_read
from millrace.features.feast_import import import_feast, quiet
from millrace.features.tables import TIMESTAMP

NAMES = ["shop_amount:amount", "till_amount:till_most", "till_amount:visits"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = timed_world(tmp_path_factory.mktemp("world"))
    ttl = "    entities=[shop, till],\n    ttl=timedelta(hours=30),\n"
    text = TIMED_DEFINITIONS.replace("    entities=[shop, till],\n", ttl)
    world.write("definitions.py", f"from datetime import timedelta\n{text}")
    world.materialize(visits(6), START + 9 * DAY)
    return world


def moments(hours: list[tuple[str, int, float]]) -> pd.DataFrame:
    frame = pd.DataFrame(hours, columns=["shop", "till", "hour"])
    times = [START + timedelta(hours=hour) for hour in frame.pop("hour")]
    return frame.assign(event_timestamp=pd.to_datetime(times, utc=True))


def ours(world: World, rows: pd.DataFrame) -> pd.DataFrame:
    feast = open_to_read(world.workload, world.settings, world.store)
    with quiet():
        table = feast.get_historical_features(entity_df=rows, features=NAMES).to_arrow()
    return table.to_pandas()


def feasts(world: World, rows: pd.DataFrame) -> pd.DataFrame:
    feast = import_feast()
    mine = open_to_read(world.workload, world.settings, world.store).config
    with quiet():
        config = feast.RepoConfig(
            project=mine.project,
            provider="local",
            registry=mine.registry,
            online_store={"type": "sqlite", "path": mine.online_store.path},
            offline_store={"type": "dask"},
            entity_key_serialization_version=3,
            repo_path=Path(mine.offline_store.tables),
        )
        store = feast.FeatureStore(config=config)
        return store.get_historical_features(entity_df=rows, features=NAMES).to_df()


ROWS = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 2), st.integers(0, 200)),
    min_size=1,
    max_size=30,
    unique=True,
)


@settings(deadline=None, max_examples=8)
@given(ROWS)
def test_feast_gives_the_same_values_for_the_rows_that_it_keeps(
    world: World, drawn: list[tuple[str, int, float]]
) -> None:
    keys = ["shop", "till", "event_timestamp"]
    mine = ours(world, moments(drawn))
    assert mine[keys].equals(moments(drawn).astype(mine[keys].dtypes))
    theirs = feasts(world, moments(drawn))
    both = theirs.merge(mine, on=keys, suffixes=("", "_ours"))
    assert len(both) == len(theirs)
    for name in ("amount", "till_most", "visits"):
        pd.testing.assert_series_equal(
            both[name].astype(float), both[f"{name}_ours"].astype(float), check_names=False
        )


def test_a_row_whose_values_are_all_of_a_later_time_is_kept(world: World) -> None:
    found = ours(world, moments([("b", 1, 1), ("a", 2, 0), ("a", 0, 50)]))
    assert found[["amount", "till_most"]].isna().to_numpy().tolist() == [
        [False, True],
        [False, True],
        [False, False],
    ]
    unknown = ours(world, moments([("nobody", 1, 100)]))
    assert unknown[["amount", "till_most", "visits"]].isna().all(axis=None)


def test_a_value_holds_until_its_time_to_live_is_over(world: World) -> None:
    last = 5 * 24 + 1
    found = ours(
        world, moments([("a", 0, last + 29.99), ("a", 0, last + 30), ("a", 0, last + 30.01)])
    )
    assert found["till_most"].isna().tolist() == [False, False, True]
    assert not found["amount"].isna().any(), "the other view has no time to live"


def table_of(tmp_path: Path) -> tuple[Any, Any]:
    rows = {
        "id": ["a", "b", "a", "b", "a"],
        "event_timestamp": pa.array([START + n * DAY for n in range(5)], TIMESTAMP),
        "value": [0, 1, 2, 3, 4],
    }
    pq.write_table(pa.table(rows), tmp_path / "t.parquet")
    settings = SimpleNamespace(tables=str(tmp_path), endpoint="", timeout=1.0)
    return SimpleNamespace(offline_store=settings), SimpleNamespace(path="t.parquet")


@pytest.mark.parametrize(
    ("start", "end", "everything", "latest"),
    [
        (None, None, [0, 1, 2, 3, 4], None),
        (1, 3, [1, 2, 3], [2, 3]),
        (2, None, [2, 3, 4], None),
        (None, 2, [0, 1, 2], None),
        (7, 9, [], []),
    ],
)
def test_a_time_range_includes_both_ends(
    tmp_path: Path, start: int | None, end: int | None, everything: list[int], latest: Any
) -> None:
    import_feast()
    from millrace.features.asof import AsofOfflineStore

    config, source = table_of(tmp_path)
    bounds = [None if day is None else START + day * DAY for day in (start, end)]
    arguments = (config, source, ["id"], ["value"], "event_timestamp", None, *bounds)
    job = AsofOfflineStore.pull_all_from_table_or_query(*arguments)
    assert job.to_arrow()["value"].to_pylist() == everything
    if latest is not None:
        job = AsofOfflineStore.pull_latest_from_table_or_query(*arguments)
        assert sorted(job.to_arrow()["value"].to_pylist()) == latest


class _Bucket(BaseHTTPRequestHandler):
    """One object of an S3 bucket."""

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        content: bytes = self.server.content  # type: ignore[attr-defined]
        found = self.path == "/bucket/features/t.parquet"
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range") or "")
        part = content[int(asked[1]) : int(asked[2]) + 1] if asked else content
        self.send_response((206 if asked else 200) if found else 404)
        self.send_header("Content-Length", str(len(part) if found else 0))
        self.end_headers()
        if body and found:
            self.wfile.write(part)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def test_a_table_in_a_bucket_is_read_from_its_endpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_feast()
    from millrace.features.asof import AsofOfflineStore

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    _, source = table_of(tmp_path)
    with ThreadingHTTPServer(("127.0.0.1", 0), _Bucket) as server:
        server.content = (tmp_path / "t.parquet").read_bytes()  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        endpoint = f"http://127.0.0.1:{server.server_port}"
        options = SimpleNamespace(tables="s3://bucket/features", endpoint=endpoint, timeout=5.0)
        config = SimpleNamespace(offline_store=options)
        job = AsofOfflineStore.pull_all_from_table_or_query(
            config, source, ["id"], ["value"], "event_timestamp"
        )
        assert job.to_arrow()["value"].to_pylist() == [0, 1, 2, 3, 4]
        server.shutdown()
