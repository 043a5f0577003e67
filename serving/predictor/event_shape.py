"""A prediction as a CloudEvent, shaped like those of KServe's logger.

The attributes are those that KServe's agent sets (kserve/kserve, pkg/logger/worker.go). The data is
an inference request of the v1 protocol, complete, with the predictions that were answered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from serving.predictor.answering import InferAnswer, Origin
from serving.predictor.model import Columns, Model

EVENT_TYPE = "org.kubeflow.serving.inference.request"
BATCH = "application/cloudevents-batch+json"
_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_PLAIN = "".join(chr(code) for code in range(33, 127) if chr(code) not in '"%')
"""What CloudEvents' HTTP binding leaves as it is in a header; the rest is percent-encoded."""
_encode = msgspec.json.Encoder().encode
_LESSONS = 1024
"""Events whose texts are remembered."""
_SHORT = 64
"""Length of a text that is worth it."""
_ORIGINS = {name: msgspec.Raw(_encode(name)) for name in ("request", "store", "default")}
_REQUEST = _ORIGINS["request"]


class Event(msgspec.Struct, gc=False):
    """One answered request, not encoded yet.

    Attributes:
        id: the request's id.
        seconds: when it was answered, as seconds since 1970.
        degraded: whether defaults stood for features.
        size: about how many bytes it takes.
        origins: where its features came from, in JSON.
        values: the features of its only row, in the shape's order; empty if there are more rows.
        rows: its rows in JSON if there is more than one.
        predictions: of each row.
    """

    id: str
    seconds: float
    degraded: bool
    size: int
    origins: msgspec.Raw
    values: list[Any]
    rows: msgspec.Raw | None
    predictions: list[float]


class _Body(msgspec.Struct, gc=False):
    """What the data of an event tell of one answer."""

    id: str
    origins: msgspec.Raw
    instances: Any
    predictions: list[float]


class EventShape:
    """Turns answers into events of one model, and events into bytes.

    An event is made while its request is answered, so it only holds values. Encoding many of them
    at once, later, takes a third of the time.
    """

    def __init__(self, model: Model) -> None:
        """Prepare the attributes and the data of a model's events."""
        inputs = model.signature.inputs
        self._numbers = [feature.name for feature in inputs if feature.kind == "number"]
        self._texts = [feature.name for feature in inputs if feature.kind != "number"]
        self._names = self._numbers + self._texts
        self._seen: dict[str, str] = {}
        self._lessons = _LESSONS
        attributes = {
            "specversion": "1.0",
            "type": EVENT_TYPE,
            "source": f"/models/{quote(model.name)}/versions/{quote(model.version)}",
            "inferenceservicename": f"{model.name}-v{model.version}",
            "namespace": _namespace(),
            "component": "predictor",
            "endpoint": "default",
        }
        lines = (f"ce-{name}: {quote(text, _PLAIN)}\r\n" for name, text in attributes.items())
        self._headers = "".join(lines).encode() + b"content-type: application/json\r\n"
        self._attributes = _encode({**attributes, "datacontenttype": "application/json"})[:-1]
        told = {"model_name": model.name, "model_version": model.version}
        digest = {"bundle_digest": model.digest}
        self._heads = {
            flag: _encode({**told, "parameters": {**digest, **more}})[:-1]
            for flag, more in ((False, {}), (True, {"degraded": True}))
        }
        self._fixed = len(self._attributes) + len(self._heads[True]) + 64 + 32 * len(inputs)
        self._fixed += sum(map(len, self._names))

    def event(self, answer: InferAnswer, seconds: float) -> Event:
        """Return the event of an answer that was given at a time."""
        columns, predictions = answer.columns, answer.predictions
        rows: Any = None
        if len(predictions) == 1:
            told = [predictions.item()]
            # Texts repeat: holding the first of each lets go of the others while they are warm.
            texts = [column.item() for column in map(columns.__getitem__, self._texts)]
            values = [columns[name].item() for name in self._numbers]
            values += map(self._seen.get, texts, texts)
            size = self._fixed + len("".join(texts))
        else:
            values, told = [], predictions[:, 0].tolist()
            rows = msgspec.Raw(_rows(columns))
            size = self._fixed + len(rows) + 16 * len(told)
        origins = self._origins(answer.origins) if answer.origins else _REQUEST
        return Event(
            answer.id,
            seconds,
            answer.degraded,
            size,
            origins,
            values,
            rows,
            told,
        )

    def data(self, event: Event) -> bytes:
        """Return the data of an event, JSON: null for missing.

        A NaN is that by itself, an empty text is made so. Nowhere else do two quotes follow a
        colon: nothing else is empty, and within a text they are escaped.
        """
        rows: Any = event.rows
        if rows is None:
            if self._lessons:
                self._learn(event.values)
            rows = [dict(zip(self._names, event.values, strict=True))]
        body = _encode(_Body(event.id, event.origins, rows, event.predictions))
        return b"%b,%b" % (self._heads[event.degraded], body[1:].replace(b':""', b":null"))

    def binary(self, event: Event) -> bytes:
        """Return the headers of an event of its own."""
        told = event.id
        if '"' in told or "%" in told:
            told = quote(told, _PLAIN)
        return b"%bce-id: %b\r\nce-time: %b\r\n" % (
            self._headers,
            told.encode(),
            _time(event.seconds),
        )

    def structured(self, event: Event) -> bytes:
        """Return an event in JSON, as it stands in a batch."""
        return b'%b,"id":%b,"time":"%b","data":%b}' % (
            self._attributes,
            _encode(event.id),
            _time(event.seconds),
            self.data(event),
        )

    def _learn(self, values: Sequence[Any]) -> None:
        """Remember short texts, to hold each only once from now on."""
        self._lessons -= 1
        for text in values[len(self._numbers) :]:
            if len(text) <= _SHORT:
                self._seen.setdefault(text, text)

    def _origins(self, origins: Mapping[str, Origin | list[Origin]]) -> msgspec.Raw:
        """Return the origin of all values, or by feature where they differ."""
        found = list(origins.values())
        if len(found) == len(self._names):
            first = found[0]
            if isinstance(first, str) and found.count(first) == len(found):
                return _ORIGINS[first]
        return msgspec.Raw(_encode(origins))


def _rows(columns: Columns) -> bytes:
    """Return rows in JSON."""
    lists = [column[:, 0].tolist() for column in columns.values()]
    return _encode([dict(zip(columns, row, strict=True)) for row in zip(*lists, strict=True)])


def _time(seconds: float) -> bytes:
    """Return a time as RFC 3339 writes it, in UTC."""
    whole = int(seconds)
    return b"%b.%03dZ" % (_second(whole), int((seconds - whole) * 1000))


@lru_cache(4)
def _second(whole: int) -> bytes:
    return datetime.fromtimestamp(whole, UTC).strftime("%Y-%m-%dT%H:%M:%S").encode()


def _namespace() -> str:
    """Return the namespace of the pod that this is, `default` on a laptop."""
    try:
        return _NAMESPACE.read_text().strip() or "default"
    except OSError:
        return "default"
