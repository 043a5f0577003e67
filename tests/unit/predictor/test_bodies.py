"""Bodies that do not arrive are given up, and nothing of them is kept."""

import asyncio
import time
from typing import Any

import pytest

from serving.predictor.bodies import Bodies
from serving.predictor.connections import READ_TIMEOUT
from serving.predictor.faults import ClientFault

LATE = READ_TIMEOUT + 1


def read(bodies: Bodies, *parts: bytes, length: bytes | None = None, **more: Any) -> bytes:
    """Read a body of which some parts come, then nothing more."""
    left = [{"type": "http.request", "body": part, "more_body": True} for part in parts]

    async def receive() -> Any:
        return left.pop(0) if left else {"type": "http.request", "body": b"", "more_body": True}

    began = time.perf_counter() - LATE
    return asyncio.run(bodies.read(receive, length, began, **more))


@pytest.mark.parametrize("parts", [[], [b"a"], [b"a", b"b"]])
@pytest.mark.parametrize("to_its_end", [False, True])
def test_a_body_that_does_not_come_is_late(parts: list[bytes], to_its_end: bool) -> None:
    bodies = Bodies(100, 1000)
    with pytest.raises(ClientFault, match="did not arrive in time") as told:
        read(bodies, *parts, to_its_end=to_its_end)
    assert told.value.status == 408
    assert bodies.held == 0


def test_a_too_large_body_whose_end_does_not_come_is_told_that_it_is_too_large() -> None:
    bodies = Bodies(100, 1000)
    with pytest.raises(ClientFault, match="at most 100 bytes"):
        read(bodies, b"a" * 90, length=b"900", to_its_end=True)
    assert bodies.held == 0
