"""JSON Schemas of what the REST protocols take and give, for one model."""

from __future__ import annotations

from typing import Any

from serving.predictor.identity import MAX_LENGTH
from serving.predictor.model import Model
from serving.predictor.signature import PREDICTION, Output, Signature
from serving.predictor.tensors import DATATYPES
from serving.predictor.values import ANY_NUMBER, NUMBERS

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_NUMBER: Schema = {"type": "number", "minimum": ANY_NUMBER.low, "maximum": ANY_NUMBER.high}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_PARAMETERS: Schema = {
    "type": ["object", "null"],
    "additionalProperties": {"type": ["string", "number", "boolean"]},
}
ERROR: Schema = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {"type": "string", "description": "What is wrong, in one line."},
        "pointer": {"type": "string", "description": "JSON pointer of the fault in the request."},
    },
    "additionalProperties": False,
}


def schemas_of(model: Model, max_rows: int) -> dict[str, Schema]:
    """Return the schemas by their names among the description's components.

    Args:
        model: what is served.
        max_rows: rows that a request may have.
    """
    signature = model.signature
    about: Schema = {
        "model_name": {"const": model.name},
        "model_version": {"const": model.version},
        "id": {"type": "string", "pattern": f"^[!-~]{{1,{MAX_LENGTH}}}$"},
        "parameters": _record(
            {"bundle_digest": {"const": model.digest}, "degraded": {"const": True}},
            optional=["degraded"],
        ),
    }
    return {
        "Error": ERROR,
        "Server": _record({"name": _TEXT, "version": _TEXT, "extensions": _list(_TEXT)}),
        "Root": _record(dict.fromkeys(("status", "model", "version", "openapi"), _TEXT)),
        "Models": _record({"models": _list(_TEXT)}),
        "Live": _record({"live": {"type": "boolean"}}),
        "Ready": _record({"ready": {"type": "boolean"}}),
        "ModelReady": _record({"name": {"const": model.name}, "ready": {"type": "boolean"}}),
        "Metadata": _metadata(model),
        "InferRequest": _infer_request(signature, max_rows),
        "InferAnswer": _record({**about, "outputs": _outputs(signature)}),
        "PredictRequest": _predict_request(signature, max_rows),
        "PredictAnswer": _record({**about, "predictions": _list(_row(signature))}),
    }


def example_of_infer(signature: Signature) -> Schema:
    """Return a v2 request of one row that brings all features, each of them as missing."""
    return {
        "id": "example-1",
        "inputs": [
            {"name": name, "datatype": feature.datatype, "shape": [1, 1], "data": [None]}
            for name, feature in signature.features.items()
        ],
    }


def example_of_predict(signature: Signature) -> Schema:
    """Return a v1 request of one row that brings all features, each of them as missing."""
    return {"instances": [dict.fromkeys(signature.features)]}


def _infer_request(signature: Signature, max_rows: int) -> Schema:
    names = list(signature.known)
    data: Schema = {
        "type": "array",
        "items": {
            "anyOf": [
                {"type": ["string", "number", "boolean", "null"]},
                {"type": "array", "items": {"type": ["string", "number", "boolean", "null"]}},
            ]
        },
    }
    tensor = _record(
        {
            "name": {"enum": names},
            "datatype": {"enum": list(DATATYPES)},
            "shape": {
                "description": "[n] or [n, 1]; the same n for all inputs.",
                "type": "array",
                "prefixItems": [
                    {"type": "integer", "minimum": 1, "maximum": max_rows},
                    {"const": 1},
                ],
                "items": False,
                "minItems": 1,
                "maxItems": 2,
            },
            "data": {**data, "description": "n values, null for missing."},
            "parameters": _PARAMETERS,
        },
        optional=["data", "parameters"],
        closed=False,
    )
    return _record(
        {
            "id": {"type": ["string", "null"], "pattern": f"^[!-~]{{0,{MAX_LENGTH}}}$"},
            "inputs": {**_list(tensor), "minItems": 1},
            "outputs": {
                "type": ["array", "null"],
                "items": _record(
                    {
                        "name": {"enum": [output.name for output in signature.outputs]},
                        "parameters": _PARAMETERS,
                    },
                    optional=["parameters"],
                    closed=False,
                ),
            },
            "parameters": _PARAMETERS,
        },
        optional=["id", "outputs", "parameters"],
        closed=False,
    )


def _predict_request(signature: Signature, max_rows: int) -> Schema:
    """Return the schema of v1 requests: rows with all features, or with keys that find them."""
    kinds: dict[str, Schema] = {
        "number": {"anyOf": [_NUMBER, {"type": ["boolean", "null"]}]},
        "category": {"type": ["string", "null"]},
    }
    features = {name: kinds[feature.kind] for name, feature in signature.features.items()}
    keys = {
        name: {**_TEXT, "minLength": 1}
        if key.type == "STRING"
        else {
            "type": "integer",
            "minimum": NUMBERS[key.type].low,
            "maximum": NUMBERS[key.type].high,
        }
        for name, key in signature.keys.items()
    }
    found = set(signature.lookups)
    always = [name for name in features if name not in found]
    row: Schema = {
        "type": "object",
        "properties": {**keys, **features},
        "additionalProperties": False,
        "anyOf": [{"required": list(features)}],
    }
    if keys:
        shared = {name: keys[name] for name in signature.shared}
        row["anyOf"].append(
            {"required": list(dict.fromkeys((*keys, *always))), "properties": shared}
        )
    columns: Schema = {
        "type": "array",
        "prefixItems": list(features.values()),
        "items": False,
        "minItems": len(features),
        "maxItems": len(features),
    }
    instances = {**_list({"anyOf": [row, columns]}), "minItems": 1, "maxItems": max_rows}
    return _record({"instances": instances}, closed=False)


def _metadata(model: Model) -> Schema:
    tensor = {"name": _TEXT, "datatype": {"enum": ["FP32", "BYTES"]}, "shape": {"const": [-1, 1]}}
    output = {**tensor, "shape": {"enum": [[-1, *out.shape] for out in model.signature.outputs]}}
    return _record(
        {
            "name": {"const": model.name},
            "versions": {"const": [model.version]},
            "platform": _TEXT,
            "inputs": _list(_record(tensor)),
            "outputs": _list(_record(output)),
            "properties": _record(
                {
                    "bundle_digest": {"const": model.digest},
                    "version": {"const": model.version},
                    "entity_keys": _TEXT,
                }
            ),
        }
    )


def _outputs(signature: Signature) -> Schema:
    """Return the schema of v2 outputs; data may follow as binary where there are several."""
    told = [_output(output, several=signature.several) for output in signature.outputs]
    return _list({"anyOf": told} if signature.several else told[0])


def _output(output: Output, *, several: bool) -> Schema:
    dimensions = 1 + len(output.shape)
    return _record(
        {
            "name": {"const": output.name},
            "datatype": {"const": "FP32"},
            "shape": {**_list(_COUNT), "minItems": dimensions, "maxItems": dimensions},
            "data": _list(_number()),
            **({"parameters": _PARAMETERS} if several else {}),
        },
        optional=["data", "parameters"] if several else [],
    )


def _row(signature: Signature) -> Schema:
    """Return the schema of a v1 prediction: a number, or all outputs of a row by name."""
    if not signature.several:
        return _number()
    return _record(
        {
            output.name: _number() if output is PREDICTION else _nested(len(output.shape))
            for output in signature.outputs
        }
    )


def _nested(dimensions: int) -> Schema:
    return _list(_nested(dimensions - 1)) if dimensions else _number()


def _number() -> Schema:
    return {"type": ["number", "null"], "description": "null if the model answers no number."}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _record(
    properties: dict[str, Schema], *, optional: list[str] | None = None, closed: bool = True
) -> Schema:
    required = [name for name in properties if name not in (optional or [])]
    found: Schema = {"type": "object", "required": required, "properties": properties}
    return {**found, "additionalProperties": False} if closed else found
