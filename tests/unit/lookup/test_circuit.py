"""A store that is down is left alone for a while, then found again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from serving.predictor.lookup.base import Key, OnlineStoreDown, Values
from serving.predictor.lookup.circuit import FAILURES, FIRST_PAUSE, LONGEST_PAUSE, Circuit


class Shaky:
    """A store that is down when it is told to be."""

    def __init__(self) -> None:
        self.down = False
        self.asked = 0
        self.now = 0.0

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def read(
        self, keys: Mapping[str, Sequence[Key]], views: Sequence[int]
    ) -> dict[str, Values]:
        self.asked += 1
        await asyncio.sleep(0)
        if self.down:
            raise OnlineStoreDown("it is down", where="here")
        return {}


@pytest.fixture
def shaky() -> Shaky:
    return Shaky()


async def failing(circuit: Circuit, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(OnlineStoreDown, match="here: it is down"):
            await circuit.read({}, [])


def test_after_some_failures_the_store_is_not_asked(shaky: Shaky) -> None:
    async def play() -> None:
        circuit = Circuit(shaky, lambda: shaky.now)
        shaky.down = True
        await failing(circuit, FAILURES + 50)
        assert shaky.asked == FAILURES

    asyncio.run(play())


def test_one_request_in_a_pause_asks_and_pauses_grow_to_a_bound(shaky: Shaky) -> None:
    async def play() -> None:
        circuit = Circuit(shaky, lambda: shaky.now)
        shaky.down = True
        await failing(circuit, FAILURES)
        shaky.now += FIRST_PAUSE
        await failing(circuit, 10)
        assert shaky.asked == FAILURES + 1
        shaky.now += FIRST_PAUSE
        await failing(circuit)
        assert shaky.asked == FAILURES + 1
        for _ in range(20):
            shaky.now += LONGEST_PAUSE
            await failing(circuit, 3)
        assert shaky.asked == FAILURES + 21

    asyncio.run(play())


def test_a_store_that_returns_is_asked_by_all_again(shaky: Shaky) -> None:
    async def play() -> None:
        circuit = Circuit(shaky, lambda: shaky.now)
        shaky.down = True
        await failing(circuit, FAILURES)
        shaky.down = False
        shaky.now += FIRST_PAUSE
        for _ in range(5):
            assert await circuit.read({}, []) == {}
        assert shaky.asked == FAILURES + 5

    asyncio.run(play())


def test_many_requests_that_fail_at_once_count_as_one_outage(shaky: Shaky) -> None:
    async def play() -> None:
        circuit = Circuit(shaky, lambda: shaky.now)
        shaky.down = True
        await asyncio.gather(*(failing(circuit) for _ in range(40)))
        shaky.down = False
        shaky.now += FIRST_PAUSE
        assert await circuit.read({}, []) == {}

    asyncio.run(play())


def test_single_failures_change_nothing(shaky: Shaky) -> None:
    async def play() -> None:
        circuit = Circuit(shaky, lambda: shaky.now)
        for _ in range(5):
            shaky.down = True
            await failing(circuit, FAILURES - 1)
            shaky.down = False
            assert await circuit.read({}, []) == {}

    asyncio.run(play())
