"""The data plane: quick models answer at once, slow ones aside, and what is too much is refused."""

import asyncio
import threading
from typing import Any, cast

import numpy as np
import pytest

from serving.predictor.answering import (
    BYTE_SECONDS,
    PATIENCE,
    Answering,
    InferAnswer,
    InferRequest,
    Resolved,
)
from serving.predictor.aside import Pace
from serving.predictor.faults import ClientFault
from serving.predictor.layout import layout_for
from serving.predictor.metrics import Metrics, private_cells
from serving.predictor.model import Model
from serving.predictor.signature import Signature

ROW = {"pressure": np.zeros((1, 1), np.float32)}


class Session:
    """Stands for onnxruntime: answers one half a row, once it is let."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.go.set()
        self.threads: set[str] = set()

    def run(self, outputs: list[str], columns: dict[str, Any]) -> list[Any]:
        self.threads.add(threading.current_thread().name)
        assert self.go.wait(10)
        return [np.full((len(next(iter(columns.values()))), 1), 0.5, np.float32)]


class Everything:
    """Resolves any request to the row."""

    async def resolve(self, request: InferRequest) -> Resolved:
        await asyncio.sleep(0)
        return Resolved(dict(ROW), {"pressure": "default"}, degraded=True)


class Heard:
    """Keeps what was emitted."""

    def __init__(self) -> None:
        self.answers: list[InferAnswer] = []

    def emit(self, answer: InferAnswer) -> None:
        self.answers.append(answer)


@pytest.fixture
def session() -> Session:
    return Session()


def answering(
    signature: Signature, session: Session, row_seconds: float, events: Heard | None = None
) -> Answering:
    one = Signature(signature.inputs[:1], signature.plan, signature.edges)
    model = Model("pumps", "3", "d" * 64, cast(Any, None), one, session)
    metrics = Metrics(private_cells(), layout_for(0.05, 0.02, 3), one.edges)
    return Answering(
        model,
        metrics,
        Everything(),
        row_seconds=row_seconds,
        max_rows=1000,
        max_queued=2,
        objective=0.05,
        events=events,
    )


def request(rows: int = 1, *, keys: bool = False) -> InferRequest:
    features = {} if keys else {"pressure": np.zeros((rows, 1), np.float32)}
    return InferRequest("id", "v2", rows, features)


def test_a_quick_model_runs_in_the_event_loop(signature: Signature, session: Session) -> None:
    plane = answering(signature, session, 0.00001)
    answer = asyncio.run(plane.answer(request()))
    assert answer.predictions.tolist() == [[0.5]]
    assert session.threads == {threading.current_thread().name}


@pytest.mark.parametrize(("row_seconds", "rows"), [(0.01, 1), (0.00001, 1000)])
def test_a_slow_model_or_many_rows_run_in_a_thread(
    signature: Signature, session: Session, row_seconds: float, rows: int
) -> None:
    plane = answering(signature, session, row_seconds)
    answer = asyncio.run(plane.answer(request(rows)))
    assert len(answer.predictions) == rows
    assert threading.current_thread().name not in session.threads


def test_what_does_not_fit_into_the_queue_is_refused_and_the_rest_answered(
    signature: Signature, session: Session
) -> None:
    plane = answering(signature, session, 0.01)

    async def crowd() -> list[InferAnswer | BaseException]:
        session.go.clear()
        asked = [asyncio.ensure_future(plane.answer(request())) for _ in range(5)]
        await asyncio.sleep(0)
        session.go.set()
        return await asyncio.gather(*asked, return_exceptions=True)

    found = asyncio.run(crowd())
    refused = [each for each in found if isinstance(each, ClientFault)]
    assert len(refused) == 3
    assert {(fault.status, fault.retry_after) for fault in refused} == {(503, 1)}
    assert isinstance(asyncio.run(plane.answer(request())), InferAnswer)


def test_missing_features_are_resolved_and_a_degraded_answer_says_so(
    signature: Signature, session: Session
) -> None:
    heard = Heard()
    plane = answering(signature, session, 0.00001, heard)
    answer = asyncio.run(plane.answer(request(keys=True)))
    assert answer.degraded
    assert answer.origins == {"pressure": "default"}
    assert heard.answers == [answer]


def test_a_request_that_would_wait_ten_objectives_is_refused_however_few_wait(
    signature: Signature, session: Session
) -> None:
    plane = answering(signature, session, 0.01)

    async def behind_a_long_one() -> list[InferAnswer | BaseException]:
        session.go.clear()
        long = asyncio.ensure_future(plane.answer(request(100)))
        await asyncio.sleep(0)
        late = asyncio.ensure_future(plane.answer(request()))
        await asyncio.sleep(0)
        session.go.set()
        return await asyncio.gather(long, late, return_exceptions=True)

    long, late = asyncio.run(behind_a_long_one())
    assert isinstance(long, InferAnswer)
    assert isinstance(late, ClientFault)
    assert late.status == 503
    assert isinstance(asyncio.run(plane.answer(request())), InferAnswer)


def test_reading_large_bodies_counts_as_waiting_and_is_refused_like_it(
    signature: Signature, session: Session
) -> None:
    plane = answering(signature, session, 0.00001)
    size = int(PATIENCE * 0.05 / BYTE_SECONDS) + 1

    async def behind_a_large_one() -> list[str | BaseException]:
        session.go.clear()
        large = asyncio.ensure_future(plane.read_aside(lambda: waited(session), size))
        await asyncio.sleep(0)
        late = asyncio.ensure_future(plane.read_aside(lambda: "late", 1))
        await asyncio.sleep(0)
        session.go.set()
        return await asyncio.gather(large, late, return_exceptions=True)

    large, late = asyncio.run(behind_a_large_one())
    assert large == "read"
    assert isinstance(late, ClientFault)
    assert late.status == 503
    assert asyncio.run(plane.read_aside(lambda: "read", 1)) == "read"


def waited(session: Session) -> str:
    assert session.go.wait(10)
    return "read"


def test_what_work_is_expected_to_take_follows_what_it_took() -> None:
    pace = Pace(1.0)
    for _ in range(100):
        pace.learn(1000, 2.0)
    assert pace.seconds == pytest.approx(0.002)
