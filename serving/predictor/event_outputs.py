"""What an event tells of the answer of a model that has more outputs than the prediction."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np

from serving.predictor.answering import InferAnswer
from serving.predictor.event_data import VALUE_SIZE, VALUES_AT_ONCE, Event, EventData
from serving.predictor.model import Model
from serving.predictor.outputs import rows_told

_encode = msgspec.json.Encoder().encode


class EventOutputs(EventData):
    """Turns answers into events whose predictions are objects of all outputs."""

    def __init__(self, model: Model) -> None:
        """Prepare what is the same in all events of a model."""
        super().__init__(model)
        self._outputs = model.signature.outputs

    def event(self, answer: InferAnswer, seconds: float) -> Event:
        """Return the event of an answer that was given at a time."""
        event = super().event(answer, seconds)
        event.size += VALUE_SIZE * sum(values.size for values in answer.others)
        if event.row is None:
            event.others = answer.others
        else:
            (event.predictions,) = rows_told(self._outputs, answer.outputs)
        return event

    def predictions(self, event: Event) -> Iterator[bytes]:
        """Yield the outputs of an event of several rows, as a list of objects."""
        assert isinstance(event.predictions, np.ndarray)
        outputs = (event.predictions, *event.others)
        rows = len(event.predictions)
        at_once = max(1, VALUES_AT_ONCE * rows // sum(values.size for values in outputs))
        for start in range(0, rows, at_once):
            some = [values[start : start + at_once] for values in outputs]
            yield (b"," if start else b"[") + _encode(rows_told(self._outputs, some))[1:-1]
        yield b"]"
