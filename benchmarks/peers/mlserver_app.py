"""MLServer with a custom runtime around onnxruntime, in one process (no pool of workers)."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
from mlserver import MLModel, MLServer, ModelSettings, Settings
from mlserver.types import InferenceRequest, InferenceResponse, ResponseOutput

from benchmarks.peers.session import NAME, TYPES, open_session, options


class OnnxModel(MLModel):
    """A custom runtime as MLServer documents it: `load`, then `predict`."""

    async def load(self) -> bool:
        """Load the graph."""
        self.session = open_session(self.settings.parameters.uri)
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Answer a request."""
        feed = {tensor.name: _array(tensor) for tensor in payload.inputs}
        (found,) = self.session.run(None, feed)
        output = ResponseOutput(
            name="prediction", shape=list(found.shape), datatype="FP32", data=found.ravel().tolist()
        )
        return InferenceResponse(id=payload.id, model_name=self.name, outputs=[output])


def _array(tensor: Any) -> Any:
    values = list(tensor.data)
    if tensor.datatype == "BYTES":
        values = [v.decode() if isinstance(v, bytes) else v for v in values]
    return np.array(values, dtype=TYPES[tensor.datatype]).reshape(tensor.shape)


async def serve(given: Any) -> None:
    settings = Settings(
        http_port=given.http,
        grpc_port=given.grpc,
        metrics_endpoint=None,
        parallel_workers=0,
        debug=False,
    )
    model = ModelSettings(name=NAME, implementation=OnnxModel, parameters={"uri": given.model})
    server = MLServer(settings)
    await server.start([model])


if __name__ == "__main__":
    asyncio.run(serve(options()))
