"""KServe's own ModelServer around onnxruntime, over REST and gRPC, with its defaults."""

from __future__ import annotations

from typing import Any

import numpy as np
from kserve import InferOutput, InferRequest, InferResponse, Model, ModelServer
from kserve.utils.utils import generate_uuid

from benchmarks.peers.session import NAME, open_session, options


class OnnxModel(Model):
    """A custom model as KServe documents it: `load`, then `predict`."""

    def __init__(self, name: str, file: str) -> None:
        super().__init__(name)
        self.file = file
        self.session: Any = None

    def load(self) -> bool:
        """Load the graph."""
        self.session = open_session(self.file)
        self.ready = True
        return self.ready

    async def predict(self, payload: InferRequest, *_: Any, **__: Any) -> InferResponse:
        """Answer a request."""
        feed = {tensor.name: _array(tensor) for tensor in payload.inputs}
        (found,) = self.session.run(None, feed)
        output = InferOutput("prediction", list(found.shape), "FP32", found.ravel().tolist())
        return InferResponse(payload.id or generate_uuid(), self.name, [output])


def _array(tensor: Any) -> Any:
    values = tensor.as_numpy()
    if values.dtype == object and isinstance(values.flat[0], bytes):  # gRPC brings bytes
        return np.array([text.decode() for text in values.flat], object).reshape(values.shape)
    return values


if __name__ == "__main__":
    given = options()
    model = OnnxModel(NAME, given.model)
    model.load()
    ModelServer(http_port=given.http, grpc_port=given.grpc, workers=1).start([model])
