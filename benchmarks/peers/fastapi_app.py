"""A bare FastAPI app around onnxruntime: the least that answers a v2 request."""

from __future__ import annotations

from typing import Any

import numpy as np
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from benchmarks.peers.session import NAME, TYPES, open_session, options


def make_app(model: str) -> FastAPI:
    app, session = FastAPI(), open_session(model)

    @app.get("/v2/health/ready")
    async def ready() -> dict[str, bool]:
        return {"ready": True}

    @app.post(f"/v2/models/{NAME}/infer")
    async def infer(request: Request) -> JSONResponse:
        body: dict[str, Any] = await request.json()
        feed = {
            tensor["name"]: np.array(tensor["data"], dtype=TYPES[tensor["datatype"]]).reshape(
                tensor["shape"]
            )
            for tensor in body["inputs"]
        }
        (found,) = session.run(None, feed)
        output = {
            "name": "prediction",
            "datatype": "FP32",
            "shape": list(found.shape),
            "data": found.ravel().tolist(),
        }
        return JSONResponse({"model_name": NAME, "id": body.get("id"), "outputs": [output]})

    return app


if __name__ == "__main__":
    given = options()
    uvicorn.run(
        make_app(given.model),
        port=given.http,
        loop="uvloop",
        http="httptools",
        log_level="warning",
        access_log=False,
    )
