"""Events as the agent of KServe 0.20 sends them: binary mode, a request and its answer each."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

REQUEST = "org.kubeflow.serving.inference.request"
RESPONSE = "org.kubeflow.serving.inference.response"
Sent = tuple[dict[str, str], bytes]


def tensor(name: str, data: list[Any], datatype: str = "FP64") -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": [len(data), 1], "data": data}


@dataclass(frozen=True)
class Logged:
    """A request that an agent saw, with its answer: v2 of one row, unless said otherwise."""

    id: str
    service: str = "pumps-v3"
    namespace: str = "models"
    asked: Any = None
    told: Any = None
    second: int = 0
    component: str = "predictor"

    @property
    def value(self) -> float:
        return float(sum(self.id.encode()))

    @property
    def request(self) -> Sent:
        """The first event."""
        body = {"inputs": [tensor("pressure", [self.value])]} if self.asked is None else self.asked
        return self._sent(REQUEST, body, "123456789")

    @property
    def response(self) -> Sent:
        """The second event; its content type is that of the request."""
        answer = {
            "model_name": "pumps",
            "model_version": "3",
            "parameters": {"bundle_digest": "d" * 64},
            "id": f"answer-{self.id}",
            "outputs": [tensor("prediction", [self.value / 2], "FP32")],
        }
        return self._sent(RESPONSE, answer if self.told is None else self.told, "2")

    def _sent(self, kind: str, body: Any, fraction: str) -> Sent:
        moment = f"2026-01-02T03:04:{self.second:02}"
        headers = {
            "Ce-Id": quote(self.id, safe=" "),
            "Ce-Source": "http://localhost:9081/",
            "Ce-Specversion": "1.0",
            "Ce-Type": kind,
            "Ce-Time": f"{moment}.{fraction}Z",
            "Ce-Recordedtime": f"{moment}.9Z",
            "Ce-Inferenceservicename": self.service,
            "Ce-Namespace": self.namespace,
            "Ce-Component": self.component,
            "Ce-Endpoint": "default",
            "Ce-Metadata": "{}",
            "Content-Type": "application/json",
        }
        return headers, body if isinstance(body, bytes) else json.dumps(body).encode()
