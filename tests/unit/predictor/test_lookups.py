"""Many rows are read in portions, and no longer than the lookup timeout."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from serving.predictor.lookup.base import Key, OnlineStoreDown, Values
from serving.predictor.lookup.circuit import Circuit
from serving.predictor.lookups import VALUES_AT_ONCE, Lookups, Needs, OnlineStoreLate

NEEDS = Needs(views=(0,), width=2, keys=("pump",), numbers=("pressure",), categories=("site",))
PORTION = VALUES_AT_ONCE // 2
MANY = 20 * PORTION + 1


class Store:
    """Knows every pump by its number, unless it hangs from some read on."""

    def __init__(self, hangs_at: int = -1) -> None:
        self.hangs_at = hangs_at
        self.sizes: list[int] = []

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def read(
        self, keys: Mapping[str, Sequence[Key]], views: Sequence[int]
    ) -> dict[str, Values]:
        if len(self.sizes) == self.hangs_at:
            await asyncio.Event().wait()
        self.sizes.append(len(keys["pump"]))
        return {
            "pressure": [float(key) for key in keys["pump"]],
            "site": [f"site {key}" if int(key) % 2 else None for key in keys["pump"]],
        }


def keys(rows: int) -> dict[str, list[Key]]:
    return {"pump": list(range(rows))}


def play(test: Callable[[], Awaitable[Any]]) -> Any:
    return asyncio.run(test())  # type: ignore[arg-type]


@pytest.mark.parametrize("rows", [1, PORTION, PORTION + 1, MANY])
def test_every_row_gets_its_own_features(rows: int) -> None:
    found = play(lambda: Lookups(Store(), 10.0).read(NEEDS, keys(rows), rows))
    np.testing.assert_array_equal(found["pressure"][:, 0], np.arange(rows, dtype=np.float32))
    assert found["pressure"].dtype == np.float32
    assert found["site"][:2].tolist() == [[""], ["site 1"]][:rows]
    assert len(found["site"]) == rows


def test_others_have_their_turn_between_the_portions_of_many_rows() -> None:
    async def test() -> None:
        store, turns = Store(), 0
        reading = asyncio.create_task(Lookups(store, 10.0).read(NEEDS, keys(MANY), MANY))
        while not reading.done():
            turns += 1
            await asyncio.sleep(0)
        assert len(store.sizes) == 21
        assert max(store.sizes) == PORTION
        assert turns >= 21

    play(test)


def test_of_many_large_requests_one_reads_at_a_time() -> None:
    async def test() -> None:
        store, longest = Store(), 0
        lookups = Lookups(store, 10.0)
        crowd = [asyncio.create_task(lookups.read(NEEDS, keys(MANY), MANY)) for _ in range(8)]
        while not all(each.done() for each in crowd):
            before = len(store.sizes)
            await asyncio.sleep(0)
            longest = max(longest, len(store.sizes) - before)
        assert longest == 1

    play(test)


def test_what_is_not_read_in_time_is_given_up_though_the_store_never_waits() -> None:
    store = Store()
    with pytest.raises(OnlineStoreLate, match="were not read within 1 ms"):
        play(lambda: Lookups(store, 0.001).read(NEEDS, keys(2_000_000), 2_000_000))
    assert len(store.sizes) < 2_000_000 / PORTION


def test_a_store_that_hangs_half_way_is_given_up() -> None:
    with pytest.raises(OnlineStoreLate):
        play(lambda: Lookups(Store(hangs_at=3), 0.02).read(NEEDS, keys(MANY), MANY))


def test_a_request_of_many_rows_that_is_late_does_not_count_against_the_store() -> None:
    async def test() -> None:
        lookups = Lookups(Circuit(Store()), 0.0)
        for _ in range(5):
            with pytest.raises(OnlineStoreLate):
                await lookups.read(NEEDS, keys(MANY), MANY)
        assert len(await lookups.read(NEEDS, keys(1), 1)) == 2

    play(test)


def test_a_store_that_is_down_is_told_as_such() -> None:
    class Down(Store):
        async def read(self, *_: Any) -> dict[str, Values]:
            raise OnlineStoreDown("no answer")

    for rows in (1, MANY):
        with pytest.raises(OnlineStoreDown, match="no answer") as told:
            play(lambda n=rows: Lookups(Down(), 1.0).read(NEEDS, keys(n), n))  # type: ignore[misc]
        assert not isinstance(told.value, OnlineStoreLate)
