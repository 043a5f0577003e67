import io
import json
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from millrace.errors import ServingError
from millrace.features.lookup import JoinKey, LookupField, LookupPlan, ViewLookup
from millrace.features.offline import write_offline
from millrace.features.tables import TIMESTAMP
from millrace.settings import Settings
from millrace.storage import Store, open_store
from serving.predictor.oip_messages import ModelInferRequest
from serving.traffic.encoding import grpc_message, post, v1_body, v2_body
from serving.traffic.mix import Mix, Request, draw
from serving.traffic.open_loop import encode_pool
from serving.traffic.rows import Rows, read_rows
from serving.traffic.target import Target

DIGEST = "a" * 64
TARGET = Target("127.0.0.1", 80, "shops.localhost", "/prefix")
SHOP = JoinKey(name="shop", type="STRING")
TILL = JoinKey(name="till", type="INT64")
VIEWS = [
    ViewLookup(view="shop", join_keys=[SHOP], fields=[LookupField(name="area", type="DOUBLE")]),
    ViewLookup(
        view="till", join_keys=[SHOP, TILL], fields=[LookupField(name="kind", type="STRING")]
    ),
]


def a_store(folder: Path, views: list[ViewLookup] = VIEWS) -> Store:
    """Return a store with a bundle of two features, and with tables of its two views."""
    store = open_store(Settings(home=folder))
    reference = pa.table(
        {
            "area": pa.array([1.5, float("nan")], pa.float32()),
            "kind": ["big", ""],
            "prediction": pa.array([0.5, 0.5], pa.float32()),
        }
    )
    content = io.BytesIO()
    pq.write_table(reference, content)
    key = f"bundles/sha256/{DIGEST}"
    store.write_bytes(f"{key}/reference.parquet", content.getvalue())
    plan = LookupPlan(project="shops", views=views)
    store.write_bytes(f"{key}/lookup.json", plan.model_dump_json().encode())
    store.write_bytes(f"{key}/manifest.json", b"{}")
    times = pa.array([0, 1, 2], TIMESTAMP)
    shops = pa.table({"shop": ["a", "b", "a"], "event_timestamp": times, "area": [1.0, 2.0, 3.0]})
    tills = pa.table(
        {
            "shop": ["a", "a", "b"],
            "till": [1, 2, 1],
            "event_timestamp": times,
            "kind": ["x", "y", "z"],
        }
    )
    for view, table in zip(views, (shops, tills), strict=False):
        write_offline(store, "shops", view, table)
    return store


@pytest.fixture
def rows(tmp_path: Path) -> Rows:
    return read_rows(a_store(tmp_path), DIGEST)


def test_rows_are_training_rows_with_missing_values_as_null(rows: Rows) -> None:
    assert list(rows.features) == [{"area": 1.5, "kind": "big"}, {"area": None, "kind": None}]
    assert rows.types == {"area": "FP32", "kind": "BYTES", "shop": "BYTES", "till": "INT64"}


def test_entities_are_those_of_the_feature_tables(rows: Rows) -> None:
    dice = random.Random(1)
    found = {tuple(rows.entity(dice).items()) for _ in range(200)}
    assert found == {(("shop", s), ("till", t)) for s, t in (("a", 1), ("a", 2), ("b", 1))}


def test_strangers_have_keys_that_no_table_has(rows: Rows) -> None:
    stranger = rows.stranger(random.Random(1))
    assert stranger.keys() == {"shop", "till"}
    assert isinstance(stranger["till"], int)
    assert str(stranger["shop"]).startswith("unknown-")


def test_a_bundle_that_is_not_here_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(ServingError, match=r"not in this store.*check MILLRACE_HOME"):
        read_rows(a_store(tmp_path), "b" * 64)


def test_a_table_that_is_not_here_is_told_of(tmp_path: Path) -> None:
    gone = VIEWS[0].model_copy(update={"view": "gone", "join_keys": [TILL]})
    store = a_store(tmp_path, [VIEWS[0]])
    plan = LookupPlan(project="shops", views=[VIEWS[0], gone])
    key = f"bundles/sha256/{'c' * 64}"
    for name in ("reference.parquet", "manifest.json"):
        content = store.read_bytes(f"bundles/sha256/{DIGEST}/{name}")
        store.write_bytes(f"{key}/{name}", content)
    store.write_bytes(f"{key}/lookup.json", plan.model_dump_json().encode())
    with pytest.raises(ServingError, match=r"'gone' has no rows.*millrace run"):
        read_rows(store, "c" * 64)


def test_a_v2_body_has_a_column_an_input(rows: Rows) -> None:
    body = json.loads(v2_body(rows.features, rows.types))
    assert body["inputs"] == [
        {"name": "area", "datatype": "FP32", "shape": [2, 1], "data": [1.5, None]},
        {"name": "kind", "datatype": "BYTES", "shape": [2, 1], "data": ["big", None]},
    ]


def test_a_v1_body_has_an_object_a_row(rows: Rows) -> None:
    assert json.loads(v1_body(rows.features))["instances"] == list(rows.features)


def test_a_message_has_a_tensor_an_input(rows: Rows) -> None:
    entity = {"shop": "ä", "till": 3}
    message = ModelInferRequest.FromString(grpc_message("shops", [entity], rows.types))
    assert message.model_name == "shops"
    assert [tensor.name for tensor in message.inputs] == ["shop", "till"]
    assert list(message.inputs[0].contents.bytes_contents) == ["ä".encode()]
    assert list(message.inputs[1].contents.int64_contents) == [3]
    missing = ModelInferRequest.FromString(grpc_message("shops", rows.features[1:], rows.types))
    assert (
        missing.inputs[0].contents.fp32_contents[0] != missing.inputs[0].contents.fp32_contents[0]
    )
    assert list(missing.inputs[1].contents.bytes_contents) == [b""]


def test_a_request_says_how_long_its_body_is() -> None:
    head, _, body = post("host:1", "/v2", "ä".encode()).partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v2 HTTP/1.1\r\nhost: host:1\r\n")
    assert b"content-length: 2" in head
    assert body == "ä".encode()


def test_requests_by_keys_bring_what_no_key_finds(tmp_path: Path) -> None:
    plan = LookupPlan(project="shops", views=VIEWS[:1])
    store = a_store(tmp_path, VIEWS[:1])
    place = f"bundles/sha256/{DIGEST}/lookup.json"
    store.write_bytes(place, plan.model_dump_json().encode())
    rows = read_rows(store, DIGEST)
    assert rows.brought == ["kind"]
    asked = [
        json.loads(request.content.partition(b"\r\n\r\n")[2])["instances"][0]
        for request in drawn(Mix(grpc=0, v1=1, keys=1, unknown=0.5), rows, 100)
    ]
    assert all(row.keys() == {"shop", "kind"} for row in asked)
    assert {row["kind"] for row in asked} == {"big", None}
    assert {str(row["shop"])[:7] for row in asked} == {"a", "b", "unknown"}


def test_a_text_that_is_a_key_and_a_feature_is_the_one_of_the_entity(rows: Rows) -> None:
    both = replace(rows, brought=["shop"], features=[{"shop": "elsewhere"}])
    assert {row["shop"] for row in (both.entity(random.Random(n)) for n in range(20))} == {"a", "b"}


def drawn(mix: Mix, rows: Rows, times: int = 2000) -> list[Request]:
    dice = random.Random(3)
    return [draw(mix, rows, TARGET, "shops", dice) for _ in range(times)]


def test_requests_come_in_the_shares_asked_for(rows: Rows) -> None:
    found = drawn(Mix(grpc=0.3, v1=0.5, keys=0.4, batch=0.1, rows=7), rows)
    share = {name: count / len(found) for name, count in Counter(r.protocol for r in found).items()}
    assert share == pytest.approx({"grpc": 0.3, "v1": 0.35, "v2": 0.35}, abs=0.05)
    assert sum(r.rows == 7 for r in found) / len(found) == pytest.approx(0.1, abs=0.03)
    assert {r.rows for r in found} == {1, 7}
    assert sum(b'shop"' in r.content for r in found if r.protocol != "grpc") > 0


def test_v1_and_v2_have_paths_of_their_own(rows: Rows) -> None:
    lines = {r.content.split(b" HTTP")[0] for r in drawn(Mix(grpc=0, v1=0.5), rows, 50)}
    assert lines == {
        b"POST /prefix/v1/models/shops:predict",
        b"POST /prefix/v2/models/shops/infer",
    }


def test_a_share_of_entities_is_unknown(rows: Rows) -> None:
    found = drawn(Mix(grpc=0, keys=1, unknown=0.2), rows)
    strangers = sum(b"unknown-" in r.content for r in found)
    assert strangers / len(found) == pytest.approx(0.2, abs=0.04)


def test_a_model_without_entities_gets_features(rows: Rows) -> None:
    alone = replace(rows, entities=[])
    assert all(b"area" in r.content for r in drawn(Mix(keys=1), alone, 50))


def test_a_pool_of_large_batches_stays_bounded(rows: Rows) -> None:
    pool = encode_pool(Mix(grpc=0, keys=0, batch=1, rows=10_000), rows, TARGET, "shops", seed=1)
    assert 1 < len(pool) < 1024
    assert sum(len(request.content) for request in pool) < 10 * 2**20


@pytest.mark.parametrize(
    ("mix", "told"),
    [
        (Mix(grpc=1.5), "--grpc-share: is no share; found 1.5"),
        (Mix(batch=-0.1), "--batch-share: is no share"),
        (Mix(batch=float("nan")), "--batch-share: is no share"),
        (Mix(rows=0), "--batch: is no number of rows; found 0"),
    ],
)
def test_a_mix_that_cannot_be_is_refused(mix: Mix, told: str) -> None:
    with pytest.raises(ServingError, match=told):
        mix.check()
