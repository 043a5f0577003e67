"""HTTP answers that do not depend on predictions, most of them encoded once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from serving.predictor.faults import ClientFault

if TYPE_CHECKING:  # a server that has no model answers without what loads one
    from serving.predictor.model import Model

Headers = list[tuple[bytes, bytes]]
JSON = (b"content-type", b"application/json")
BINARY = (b"content-type", b"application/octet-stream")
EXTENSIONS = ["binary_tensor_data"]


@dataclass(frozen=True)
class Reply:
    """A whole answer."""

    status: int
    headers: Headers
    body: bytes


def json_reply(status: int, document: Any, headers: Sequence[tuple[bytes, bytes]] = ()) -> Reply:
    """Return an answer of JSON."""
    body = msgspec.json.encode(document)
    size = (b"content-length", b"%d" % len(body))
    return Reply(status, [JSON, size, *headers], body)


def fault_reply(fault: ClientFault, headers: Sequence[tuple[bytes, bytes]] = ()) -> Reply:
    """Return what a client hears of a fault."""
    document = {"error": fault.message}
    if fault.pointer is not None:
        document["pointer"] = fault.pointer
    more = [*headers]
    if fault.retry_after is not None:
        more.append((b"retry-after", b"%d" % fault.retry_after))
    if fault.status == 408:
        more.append((b"connection", b"close"))  # what comes yet is the rest of this request
    return json_reply(fault.status, document, more)


def metadata(model: Model) -> dict[str, Any]:
    """Return the v2 metadata of a model.

    Entity keys are no inputs of the model; they stand in `properties.entity_keys`.
    """
    return {
        "name": model.name,
        "versions": [model.version],
        "platform": "onnx_onnxruntime",
        "inputs": [
            {"name": feature.name, "datatype": feature.datatype, "shape": [-1, 1]}
            for feature in model.signature.inputs
        ],
        "outputs": [
            {"name": output.name, "datatype": "FP32", "shape": [-1, *output.shape]}
            for output in model.signature.outputs
        ],
        "properties": {
            "bundle_digest": model.digest,
            "version": model.version,
            "entity_keys": ",".join(model.signature.keys),
        },
    }


def constant_replies(model: Model, openapi: bytes) -> dict[str, Reply]:
    """Return the answers, by path, that are the same at any time."""
    name, version = model.name, model.version
    server = json_reply(
        200, {"name": "millrace-predictor", "version": version, "extensions": EXTENSIONS}
    )
    models = json_reply(200, {"models": [name]})
    of_model = json_reply(200, metadata(model))
    size = (b"content-length", b"%d" % len(openapi))
    return {
        "/": json_reply(
            200, {"status": "alive", "model": name, "version": version, "openapi": "/openapi.json"}
        ),
        "/openapi.json": Reply(200, [JSON, size], openapi),
        "/v1/models": models,
        "/v2": server,
        "/v2/models": models,
        "/v2/health/live": json_reply(200, {"live": True}),
        f"/v2/models/{name}": of_model,
        f"/v2/models/{name}/versions/{version}": of_model,
    }


def readiness_replies(model: Model, *, ready: bool) -> dict[str, Reply]:
    """Return the answers, by path, that depend on whether requests should be sent here."""
    status = 200 if ready else 503
    of_model = json_reply(status, {"name": model.name, "ready": ready})
    return {
        f"/v1/models/{model.name}": of_model,
        "/v2/health/ready": json_reply(status, {"ready": ready}),
        f"/v2/models/{model.name}/ready": of_model,
        f"/v2/models/{model.name}/versions/{model.version}/ready": of_model,
    }
