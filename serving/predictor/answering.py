"""The data plane, whatever the protocol: rows of features or entity keys in, predictions out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from serving.predictor.aside import Aside, Pace
from serving.predictor.faults import overloaded
from serving.predictor.metrics import Metrics
from serving.predictor.model import Column, Columns, Model
from serving.predictor.outputs import Values, Wanted

T = TypeVar("T")
WireProtocol = Literal["v1", "v2", "grpc"]
Origin = Literal["request", "store", "default"]
KeyValue = str | int
INLINE_SECONDS = 0.001
"""Inference that is expected to take longer leaves the event loop, so that it stays alive."""
INLINE_BYTES = 32 * 1024
"""Larger bodies are read in the worker thread, too; reading so much takes about as long."""
BYTE_SECONDS = 5e-8
"""What reading a byte of them is expected to take, until it is measured."""
PATIENCE = 10
"""Objectives: an answer that would wait longer helps nobody, so its request is refused at once."""


@dataclass(slots=True)
class InferRequest:
    """A request whose values were checked against the signature."""

    id: str
    protocol: WireProtocol
    rows: int
    features: dict[str, Column]
    """What the request brings, shape [rows, 1] each; a missing value that it brings stays so."""
    keys: dict[str, Sequence[KeyValue | None]] = field(default_factory=dict)
    """Entity keys by join key, one a row; None in a row that brings none."""
    absent: dict[str, npt.NDArray[np.bool_]] = field(default_factory=dict)
    """Rows, shape [rows], for which a column of `features` brings nothing; only v1 has those."""
    size: int = 0
    """Bytes of its body or message."""
    wanted: Wanted | None = None
    """Outputs that it names; None for all."""


@dataclass(slots=True)
class InferAnswer:
    """What a request is answered with."""

    id: str
    predictions: Values
    """Shape [rows, 1]."""
    columns: Columns
    """The features that the predictions were made from, all of the signature's."""
    origins: dict[str, Origin | list[Origin]]
    """Where each feature came from, for all rows or one a row; unnamed ones from the request."""
    degraded: bool = False
    """Whether defaults stand for features that the online store did not answer for."""
    size: int = 0
    """Bytes of the request that it answers."""
    keys: Mapping[str, Sequence[KeyValue | None]] = field(default_factory=dict)
    """Entity keys that features were read by, one a row; None in a row that brought none."""
    others: Sequence[Values] = ()
    """The other outputs, in the signature's order; the first dimension of each is the rows."""
    wanted: Wanted | None = None
    """Those of all outputs that its request named; None for all."""

    @property
    def outputs(self) -> Sequence[Values]:
        """Return all outputs, in the signature's order."""
        return (self.predictions, *self.others)


class Resolver(Protocol):
    """Completes what a request brings from the online store."""

    async def resolve(self, request: InferRequest) -> Resolved:
        """Return all features of the signature.

        Raises:
            ClientFault: neither the request nor the store can bring a feature, or the store is
                down and the workload chose to fail.
        """
        ...


@dataclass(slots=True)
class Resolved:
    """All features of a request's rows."""

    columns: dict[str, Column]
    origins: dict[str, Origin | list[Origin]]
    degraded: bool = False


class Listener(Protocol):
    """Hears what was answered, without ever keeping the answer waiting."""

    def emit(self, answer: InferAnswer) -> None:
        """Take one answer, or drop and count it."""
        ...


class Answering:
    """Answers requests with one model; used by every protocol of a process, in its event loop."""

    def __init__(
        self,
        model: Model,
        metrics: Metrics,
        resolver: Resolver,
        *,
        row_seconds: float,
        max_rows: int,
        max_queued: int,
        objective: float,
        events: Listener | None = None,
    ) -> None:
        """Set up.

        Args:
            model: the model, warm.
            metrics: where scores and degraded answers are counted.
            resolver: completes requests that do not bring all features.
            row_seconds: what one row took when the model was warm.
            max_rows: rows that a request may have.
            max_queued: requests that may wait for the online store or the model at once.
            objective: seconds within which an answer is due.
            events: hears every answer.
        """
        self.model = model
        self.metrics = metrics
        self.ready = False
        """Whether requests should be sent here; they are answered either way."""
        self.max_rows = max_rows
        self._resolver = resolver
        self._events = events
        self._inline_rows = int(INLINE_SECONDS / max(row_seconds, 1e-9))
        self._max_queued = max_queued
        self._queued = 0
        self._features = len(model.signature.inputs)
        self._several = model.signature.several
        self.patience = PATIENCE * objective
        """Seconds that a request may wait for others."""
        self._aside = Aside(max_queued, self.patience)
        self._row, self._byte = Pace(row_seconds), Pace(BYTE_SECONDS)

    async def read_aside(self, read: Callable[[], T], size: int) -> T:
        """Return what reading a large body returns, while others have their turn.

        Args:
            read: reads the body, in another thread.
            size: its bytes.

        Raises:
            ClientFault: it cannot be read, or too much waits to be done before.
        """
        return await self._aside.run(read, size, self._byte)

    async def answer(self, request: InferRequest) -> InferAnswer:
        """Return the predictions for a request.

        Raises:
            ClientFault: the request cannot be answered; its `status` says whose fault that is.
            ServingError: the model failed on these values.
        """
        answer = self.answer_at_once(request) or await self._answer_later(request)
        if self._events is not None:
            self._events.emit(answer)
        return answer

    def answer_at_once(self, request: InferRequest) -> InferAnswer | None:
        """Return the predictions for a request if nothing is to be waited for, else None.

        Any thread may call this. Events hear of the answer when `tell` is called in the event loop.

        Raises:
            ServingError: the model failed on these values.
        """
        complete = len(request.features) == self._features and not request.absent
        if not complete or request.rows > self._inline_rows:
            return None
        found = self.model.predict(request.features)
        self.metrics.scores(found[0])
        answer = InferAnswer(request.id, found[0], request.features, {}, size=request.size)
        if self._several:
            answer.others, answer.wanted = found[1:], request.wanted
        return answer

    @property
    def tell(self) -> Callable[[InferAnswer], None] | None:
        """Return what tells the events of an answer, in the event loop only; None if none hear."""
        return None if self._events is None else self._events.emit

    def close(self) -> None:
        """Let the thread go."""
        self._aside.close()

    async def _answer_later(self, request: InferRequest) -> InferAnswer:
        if len(request.features) == self._features and not request.absent:
            answer = InferAnswer(request.id, _NONE, request.features, {}, size=request.size)
        else:
            found = await self._wait_for_features(request)
            answer = InferAnswer(
                request.id,
                _NONE,
                found.columns,
                found.origins,
                found.degraded,
                request.size,
                request.keys,
            )
        if request.rows <= self._inline_rows:
            outputs = self.model.predict(answer.columns)
        else:
            predict = partial(self.model.predict, answer.columns)
            outputs = await self._aside.run(predict, request.rows, self._row)
        answer.predictions = outputs[0]
        if self._several:
            answer.others, answer.wanted = outputs[1:], request.wanted
        self.metrics.scores(answer.predictions)
        if answer.degraded:
            self.metrics.degraded()
        return answer

    async def _wait_for_features(self, request: InferRequest) -> Resolved:
        self._enter()
        start = time.perf_counter()
        try:
            return await self._resolver.resolve(request)
        finally:
            self._queued -= 1
            self.metrics.lookup(time.perf_counter() - start)

    def _enter(self) -> None:
        if self._queued >= self._max_queued:
            raise overloaded()
        self._queued += 1


_NONE = np.empty((0, 1), np.float32)
