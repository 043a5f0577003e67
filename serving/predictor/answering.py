"""The data plane, whatever the protocol: rows of features or entity keys in, predictions out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from serving.predictor.aside import Aside
from serving.predictor.faults import overloaded
from serving.predictor.metrics import Metrics
from serving.predictor.model import Column, Columns, Model

WireProtocol = Literal["v1", "v2", "grpc"]
Origin = Literal["request", "store", "default"]
KeyValue = str | int
INLINE_SECONDS = 0.001
"""Inference that is expected to take longer leaves the event loop, so that it stays alive."""
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


@dataclass(slots=True)
class InferAnswer:
    """What a request is answered with."""

    id: str
    predictions: npt.NDArray[np.float32]
    """Shape [rows, 1]."""
    columns: Columns
    """The features that the predictions were made from, all of the signature's."""
    origins: dict[str, Origin | list[Origin]]
    """Where each feature came from, for all rows or one a row; unnamed ones from the request."""
    degraded: bool = False
    """Whether defaults stand for features that the online store did not answer for."""


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


class EventSink(Protocol):
    """Takes what was answered, without ever keeping the answer waiting."""

    def emit(self, request: InferRequest, answer: InferAnswer) -> None:
        """Take one answered request, or drop and count it."""
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
        max_queued: int,
        objective: float,
        events: EventSink | None = None,
    ) -> None:
        """Set up.

        Args:
            model: the model, warm.
            metrics: where scores and degraded answers are counted.
            resolver: completes requests that do not bring all features.
            row_seconds: what one row took when the model was warm.
            max_queued: requests that may wait for the online store or the model at once.
            objective: seconds within which an answer is due.
            events: hears every answer.
        """
        self.model = model
        self.metrics = metrics
        self.ready = False
        """Whether requests should be sent here; they are answered either way."""
        self._resolver = resolver
        self._events = events
        self._inline_rows = int(INLINE_SECONDS / max(row_seconds, 1e-9))
        self._max_queued = max_queued
        self._queued = 0
        self._features = len(model.signature.inputs)
        self.patience = PATIENCE * objective
        """Seconds that a request may wait for others."""
        self.aside = Aside(row_seconds, max_queued, self.patience)
        """Where long work of every protocol is done."""

    async def answer(self, request: InferRequest) -> InferAnswer:
        """Return the predictions for a request.

        Raises:
            ClientFault: the request cannot be answered; its `status` says whose fault that is.
            ServingError: the model failed on these values.
        """
        answer = self.answer_at_once(request) or await self._answer_later(request)
        if self._events is not None:
            self._events.emit(request, answer)
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
        predictions = self.model.predict(request.features)
        self.metrics.scores(predictions)
        return InferAnswer(request.id, predictions, request.features, {})

    @property
    def tell(self) -> Callable[[InferRequest, InferAnswer], None] | None:
        """Return what tells the events of an answer, in the event loop only; None if none hear."""
        return None if self._events is None else self._events.emit

    def close(self) -> None:
        """Let the thread go."""
        self.aside.close()

    async def _answer_later(self, request: InferRequest) -> InferAnswer:
        if len(request.features) == self._features and not request.absent:
            answer = InferAnswer(request.id, _NONE, request.features, {})
        else:
            found = await self._wait_for_features(request)
            answer = InferAnswer(
                request.id, _NONE, found.columns, found.origins, degraded=found.degraded
            )
        if request.rows <= self._inline_rows:
            answer.predictions = self.model.predict(answer.columns)
        else:
            predict = partial(self.model.predict, answer.columns)
            answer.predictions = await self.aside.run(predict, request.rows)
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
