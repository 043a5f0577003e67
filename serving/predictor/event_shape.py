"""A prediction as a CloudEvent, with the attributes that KServe's logger sets.

They are those of KServe's agent (kserve/kserve, pkg/logger/worker.go). The data is an inference
request of the v1 protocol, complete, with the predictions that were answered.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import quote

import msgspec

from millrace.skew.events import EVENT_TYPE
from serving.predictor.event_data import Event
from serving.predictor.model import Model

BATCH = "application/cloudevents-batch+json"
NAMESPACE = "POD_NAMESPACE"
"""Names the pod's namespace, by way of Kubernetes' downward API."""
_PLAIN = "".join(chr(code) for code in range(33, 127) if chr(code) not in '"%')
"""What CloudEvents' HTTP binding leaves as it is in a header; the rest is percent-encoded."""
_encode = msgspec.json.Encoder().encode


class EventShape:
    """Puts the attributes of one model's events before their data."""

    def __init__(self, model: Model) -> None:
        """Prepare the attributes that are the same in all events."""
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
        self.headers = "".join(lines).encode() + b"content-type: application/json\r\n"
        """Headers of every event that goes by itself, those that are always the same."""
        self._attributes = _encode({**attributes, "datacontenttype": "application/json"})[:-1]

    def own_headers(self, event: Event, size: int) -> bytes:
        """Return the other headers of an event that goes by itself, and how they end.

        Args:
            event: the event.
            size: bytes of its data.
        """
        told = event.id
        if '"' in told or "%" in told:
            told = quote(told, _PLAIN)
        return b"ce-id: %b\r\nce-time: %b\r\ncontent-length: %d\r\n\r\n" % (
            told.encode(),
            _time(event.seconds),
            size,
        )

    def structured(self, event: Event) -> bytes:
        """Return an event in JSON up to its data, as it stands in a batch; a `}` ends it."""
        return b'%b,"id":%b,"time":"%b","data":' % (
            self._attributes,
            _encode(event.id),
            _time(event.seconds),
        )


def _time(seconds: float) -> bytes:
    """Return a time as RFC 3339 writes it, in UTC."""
    whole = int(seconds)
    return b"%b.%03dZ" % (_second(whole), int((seconds - whole) * 1000))


@lru_cache(4)
def _second(whole: int) -> bytes:
    return datetime.fromtimestamp(whole, UTC).strftime("%Y-%m-%dT%H:%M:%S").encode()


def _namespace() -> str:
    """Return the namespace of the pod that this is, `default` on a laptop."""
    return os.environ.get(NAMESPACE) or "default"
