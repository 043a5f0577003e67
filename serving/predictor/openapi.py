"""The OpenAPI description of the REST protocols, for the one model that is served."""

from __future__ import annotations

from typing import Any

import msgspec

from serving.predictor.model import Model
from serving.predictor.schemas import Schema, example_of_infer, example_of_predict, schemas_of

_BINARY: Schema = {
    "application/octet-stream": {
        "schema": {
            "type": "string",
            "format": "binary",
            "description": "JSON, as long as the header Inference-Header-Content-Length says, "
            "then the binary tensors.",
        }
    }
}
_FAULTS = {
    400: "The request says something that cannot be.",
    408: "The request did not arrive in time.",
    413: "The body is too large.",
    415: "The body is compressed.",
    503: "There is no room for the request now, or the online store does not answer.",
}
_HEADERS = {
    name: {"schema": {"type": "string"}, "description": text, "required": True}
    for name, text in (
        ("x-request-id", "The request's id: the body's, else the header's, else a new one."),
        ("x-model-version", "Version of the model."),
        ("x-bundle-digest", "Digest of the bundle."),
    )
}


def openapi_document(model: Model, max_size: int, max_rows: int) -> bytes:
    """Return the description as JSON.

    Args:
        model: what is served.
        max_size: greatest size of a request body, in bytes.
        max_rows: rows that a request may have.
    """
    v1, v2 = f"/v1/models/{model.name}", f"/v2/models/{model.name}"
    versioned = f"{v2}/versions/{model.version}"
    ready = _reading("ModelReady", "Whether requests should be sent here", unready=True)
    metadata = _reading("Metadata", "Names, types and shapes of the inputs and outputs")
    infer = _inference("InferRequest", "InferAnswer", example_of_infer(model.signature), _BINARY)
    predict = _inference("PredictRequest", "PredictAnswer", example_of_predict(model.signature), {})
    paths = {
        "/": _reading("Root", "What answers here"),
        "/v1/models": _reading("Models", "The models"),
        v1: ready,
        f"{v1}:predict": predict,
        "/v2": _reading("Server", "The server and its extensions of the protocol"),
        "/v2/health/live": _reading("Live", "Whether the process is alive"),
        "/v2/health/ready": _reading("Ready", "Whether requests should be sent here", unready=True),
        "/v2/models": _reading("Models", "The models"),
        v2: metadata,
        f"{v2}/ready": ready,
        f"{v2}/infer": infer,
        versioned: metadata,
        f"{versioned}/ready": ready,
        f"{versioned}/infer": infer,
    }
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": f"{model.name}: predictions over the Open Inference Protocol",
            "version": model.version,
            "description": f"Bundle {model.digest}. A body takes at most {max_size} bytes "
            f"and has at most {max_rows} rows.",
        },
        "paths": paths,
        "components": {"schemas": schemas_of(model, max_rows)},
    }
    return msgspec.json.encode(document)


def _reading(schema: str, summary: str, *, unready: bool = False) -> dict[str, Any]:
    responses = {"200": _response(schema, "As asked.")}
    if unready:
        responses["503"] = _response(schema, "Not now.")
    return {"get": {"summary": summary, "responses": responses}}


def _inference(request: str, answer: str, example: Schema, more: Schema) -> dict[str, Any]:
    taken = _json(request)
    taken["application/json"]["example"] = example
    responses = {
        str(status): _response("Error", text, _HEADERS) for status, text in _FAULTS.items()
    }
    responses["503"]["headers"] = {
        **_HEADERS,
        "retry-after": {"schema": {"type": "string"}, "description": "Seconds to wait."},
    }
    answered = _response(answer, "The predictions.", _HEADERS)
    answered["content"] |= more
    request_id = {"name": "x-request-id", "in": "header", "schema": {"type": "string"}}
    return {
        "post": {
            "summary": "Predict",
            "parameters": [request_id],
            "requestBody": {"required": True, "content": taken | more},
            "responses": {"200": answered, **responses},
        }
    }


def _response(schema: str, text: str, headers: Schema | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {"description": text, "content": _json(schema)}
    return {**found, "headers": headers} if headers else found


def _json(schema: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
