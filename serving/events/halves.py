"""What KServe's logger tells of a request: as it came, and as a second event what was answered."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from millrace.skew.events import EVENT_TYPE

RESPONSE_TYPE = "org.kubeflow.serving.inference.response"
Kind = Literal["request", "response"]
Key: TypeAlias = tuple[str, str, str, str]
TYPES: dict[Kind, str] = {"request": EVENT_TYPE, "response": RESPONSE_TYPE}
_FIXED = 1024


class Half(msgspec.Struct, frozen=True):
    """One of the two events.

    Attributes:
        namespace: of the pod.
        service: the InferenceService's name.
        id: the same in both halves.
        kind: which half it is.
        source: the sender's, as are the following.
        component: such as `predictor`.
        endpoint: such as `default`.
        time: when the request came, or was answered.
        body: what was sent or answered, as it was.
    """

    namespace: str
    service: str
    id: str
    kind: Kind
    source: str
    component: str
    endpoint: str
    time: str
    body: bytes

    @property
    def key(self) -> Key:
        """Return what the halves of one request have in common."""
        return self.namespace, self.service, self.component, self.id

    @property
    def size(self) -> int:
        """Return about how many bytes it takes."""
        return len(self.body) + _FIXED


def other(kind: Kind) -> Kind:
    """Return the half that belongs to one."""
    return "response" if kind == "request" else "request"
