"""A prediction as a CloudEvent, shaped like those of KServe's logger.

The attributes are those that KServe's agent sets (kserve/kserve, pkg/logger/worker.go). The data is
an inference request of the v1 protocol, complete, with the predictions that were answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
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
_REQUEST = _encode("request")


@dataclass(slots=True)
class Event:
    """One answered request.

    Attributes:
        id: the request's id.
        seconds: when it was answered, as seconds since 1970.
        data: the event's data, JSON.
    """

    id: str
    seconds: float
    data: bytes


class EventShape:
    """Turns answers into events of one model; what does not change is encoded once."""

    def __init__(self, model: Model) -> None:
        """Prepare the attributes and the data of a model's events."""
        self._features = len(model.signature.inputs)
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

    def event(self, answer: InferAnswer, seconds: float) -> Event:
        """Return the event of an answer that was given at a time."""
        data = b'%b,"id":%b,"origins":%b,"instances":%b,"predictions":%b}' % (
            self._heads[answer.degraded],
            _encode(answer.id),
            self._origins(answer.origins) if answer.origins else _REQUEST,
            _rows(answer.columns, len(answer.predictions)),
            _encode(answer.predictions[:, 0].tolist()),
        )
        return Event(answer.id, seconds, data)

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
            event.data,
        )

    def _origins(self, origins: Mapping[str, Origin | list[Origin]]) -> bytes:
        """Return the origin of all values, or by feature where they differ."""
        found = list(origins.values())
        if len(found) == self._features and found.count(found[0]) == len(found):
            return _encode(found[0])
        return _encode(origins)


def _rows(columns: Columns, rows: int) -> bytes:
    """Return the rows in JSON, null for missing: a NaN is that by itself, an empty text is made so.

    Nowhere else in JSON do two quotes follow a colon: within a text they are escaped.
    """
    if rows == 1:
        found = _encode([{name: column.item() for name, column in columns.items()}])
    else:
        lists = [column[:, 0].tolist() for column in columns.values()]
        found = _encode([dict(zip(columns, row, strict=True)) for row in zip(*lists, strict=True)])
    return found.replace(b':""', b":null")


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
        return _NAMESPACE.read_text().strip()
    except OSError:
        return "default"
