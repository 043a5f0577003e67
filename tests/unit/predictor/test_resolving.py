"""Features that a request does not bring come from the store; what it brings wins, per value."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import structlog

from millrace.errors import ServingError
from serving.predictor.answering import InferRequest, Resolved
from serving.predictor.faults import ClientFault
from serving.predictor.lookup.base import Key, OnlineStoreDown, Values
from serving.predictor.lookups import Lookups
from serving.predictor.resolving import OnlineResolver
from serving.predictor.signature import Signature

STORE: dict[Any, dict[str, Any]] = {
    "p1": {"pressure": 1.5, "site": "north"},
    "p2": {"pressure": None, "site": None},
    7: {"load": 70},
}


class Store:
    """An online store in memory."""

    def __init__(self, *, down: bool = False) -> None:
        self.down = down
        self.reads: list[tuple[dict[str, list[Key]], list[int]]] = []

    async def start(self) -> None:
        pass

    async def read(
        self, keys: Mapping[str, Sequence[Key]], views: Sequence[int]
    ) -> dict[str, Values]:
        self.reads.append(({name: list(values) for name, values in keys.items()}, list(views)))
        if self.down:
            raise OnlineStoreDown("no answer", where="store")
        found: dict[str, Values] = {}
        for view in views:
            key, fields = [("machine", ["load"]), ("pump", ["pressure", "site"])][view]
            for field in fields:
                found[field] = [STORE.get(value, {}).get(field) for value in keys[key]]
        return found

    async def close(self) -> None:
        pass


def numbers(*values: float | None) -> Any:
    return np.array(values, np.float32).reshape(-1, 1)


def texts(*values: str) -> Any:
    return np.array(values, object).reshape(-1, 1)


def request(rows: int, **more: Any) -> InferRequest:
    return InferRequest("id", "v1", rows, **more)


def resolve(signature: Signature, store: Store, asked: InferRequest, **options: Any) -> Resolved:
    told: dict[str, Any] = {"fallback": True, "defaults": {}, **options}
    lookups = Lookups(store, 1.0)
    resolver = OnlineResolver(signature, lookups, log=structlog.get_logger(), **told)
    return asyncio.run(resolver.resolve(asked))


def test_a_key_brings_the_features_of_its_entity(signature: Signature) -> None:
    store = Store()
    asked = request(
        2,
        features={"weather": texts("rain", "sun"), "load": numbers(1, 2)},
        keys={"pump": ["p1", "unknown"]},
    )
    found = resolve(signature, store, asked)
    np.testing.assert_array_equal(found.columns["pressure"], [[1.5], [np.nan]])
    assert found.columns["site"].tolist() == [["north"], [""]]
    assert found.origins == {"pressure": "store", "site": "store"}
    assert not found.degraded
    assert store.reads == [({"pump": ["p1", "unknown"]}, [1])]


def test_several_entities_are_read_at_once(signature: Signature) -> None:
    store = Store()
    asked = request(1, features={"weather": texts("")}, keys={"pump": ["p2"], "machine": [7]})
    found = resolve(signature, store, asked)
    assert found.columns["load"].tolist() == [[70.0]]
    assert found.columns["pressure"].dtype == np.float32
    assert len(store.reads) == 1


def test_what_the_request_brings_wins_even_if_it_is_missing(signature: Signature) -> None:
    asked = request(
        1,
        features={"weather": texts(""), "load": numbers(1), "pressure": numbers(np.nan)},
        keys={"pump": ["p1"]},
    )
    found = resolve(signature, Store(), asked)
    assert np.isnan(found.columns["pressure"][0, 0])
    assert found.columns["site"][0, 0] == "north"
    assert found.origins == {"site": "store"}


def test_rows_may_bring_different_things(signature: Signature) -> None:
    store = Store()
    asked = request(
        3,
        features={
            "weather": texts("", "", ""),
            "load": numbers(1, 2, 3),
            "site": texts("a", "b", "c"),
            "pressure": numbers(9, np.nan, 8),
        },
        keys={"pump": [None, "p1", "p1"]},
        absent={"pressure": np.array([False, True, False])},
    )
    found = resolve(signature, store, asked)
    assert found.columns["pressure"].tolist() == [[9.0], [1.5], [8.0]]
    assert found.origins == {"pressure": ["request", "store", "request"]}
    assert store.reads == [({"pump": ["p1"]}, [1])]
    assert np.isnan(asked.features["pressure"][1, 0])  # what the request says stays as it is


@pytest.mark.parametrize(
    ("more", "named", "pointer"),
    [
        ({"keys": {"pump": ["p1", "p2"], "machine": [7, 7]}}, "'weather'", "/instances"),
        ({"features": {"weather": texts("", "")}}, "'pump'", "/instances"),
        (
            {"features": {"weather": texts("", "")}, "keys": {"pump": ["p1", None]}},
            "'pressure'",
            "/instances/1",
        ),
        (
            {
                "features": {"weather": texts("", "")},
                "absent": {"weather": np.array([False, True])},
                "keys": {"pump": ["p1", "p1"], "machine": [7, 7]},
            },
            "'weather'",
            "/instances/1",
        ),
    ],
)
def test_what_nobody_brings_is_named(
    signature: Signature, more: dict[str, Any], named: str, pointer: str
) -> None:
    asked = request(2, **{"features": {}, **more})
    with pytest.raises(ClientFault) as caught:
        resolve(signature, Store(), asked)
    assert caught.value.status == 400
    assert named in caught.value.message
    assert caught.value.pointer == pointer


def test_rows_that_lack_different_things_wait_no_longer_than_others(signature: Signature) -> None:
    deadlines: list[float | None] = []

    class Watched(Lookups):
        async def read(self, *asked: Any) -> Any:
            deadlines.append(asked[-1])
            return await super().read(*asked)

    asked = request(
        2,
        features={"weather": texts("", ""), "load": numbers(1, 2), "pressure": numbers(9, 8)},
        keys={"pump": ["p1", "p2"], "machine": [7, 7]},
        absent={"load": np.array([False, True]), "pressure": np.array([True, False])},
    )
    lookups = Watched(Store(), 1.0)
    resolver = OnlineResolver(
        signature, lookups, log=structlog.get_logger(), fallback=True, defaults={}
    )
    asyncio.run(resolver.resolve(asked))
    assert len(deadlines) == 3
    assert len(set(deadlines)) == 1


def test_defaults_stand_for_a_store_that_is_down(signature: Signature) -> None:
    asked = request(
        2, features={"weather": texts("", "")}, keys={"pump": ["p1"] * 2, "machine": [7] * 2}
    )
    found = resolve(signature, Store(down=True), asked, defaults={"site": "south", "load": 5})
    assert found.degraded
    assert found.columns["site"].tolist() == [["south"], ["south"]]
    assert found.columns["load"].tolist() == [[5.0], [5.0]]
    assert np.isnan(found.columns["pressure"]).all()
    assert set(found.origins.values()) == {"default"}


def test_a_workload_may_choose_to_fail_without_the_store(signature: Signature) -> None:
    asked = request(1, features={"weather": texts("")}, keys={"pump": ["p1"], "machine": [7]})
    with pytest.raises(ClientFault) as caught:
        resolve(signature, Store(down=True), asked, fallback=False)
    assert (caught.value.status, caught.value.retry_after) == (503, 1)


@pytest.mark.parametrize("defaults", [{"presure": 1.0}, {"site": 1.0}, {"load": "many"}])
def test_a_default_that_fits_no_feature_is_told_at_start(
    signature: Signature, defaults: dict[str, Any]
) -> None:
    with pytest.raises(ServingError, match=next(iter(defaults))):
        resolve(signature, Store(), request(1, features={}), defaults=defaults)
