"""Answers of the gRPC protocol as bytes; what is the same in all of them is made once."""

from __future__ import annotations

import struct

from millrace.export.manifest import OUTPUT
from serving.predictor.answering import InferAnswer
from serving.predictor.model import Model
from serving.predictor.oip_messages import ModelInferResponse
from serving.predictor.outputs import everything

_number = struct.Struct("<f")
_ZERO = {"fp32_contents": [0.0]}


class OipWriter:
    """Turns answers into serialized ModelInferResponses."""

    def __init__(self, model: Model) -> None:
        """Prepare the parts that do not change."""
        head = {
            "model_name": model.name,
            "model_version": model.version,
            "parameters": {"bundle_digest": {"string_param": model.digest}},
        }
        degraded = {"degraded": {"bool_param": True}}
        # Messages may be written in parts, one after the other: repeated fields and maps add up.
        self._head: bytes = ModelInferResponse(**head).SerializeToString()
        self._degraded: bytes = ModelInferResponse(parameters=degraded).SerializeToString()
        row = [{"name": OUTPUT, "datatype": "FP32", "shape": [1, 1], "contents": _ZERO}]
        # All of a row's output but the value, which stands at the end.
        self._row: bytes = ModelInferResponse(outputs=row).SerializeToString()[: -_number.size]

    def write(self, answer: InferAnswer, *, raw: bool) -> bytes:
        """Return the message of an answer; raw requests are answered with raw contents."""
        predictions = answer.predictions
        if len(predictions) == 1 and not raw:
            head: bytes = ModelInferResponse(id=answer.id).SerializeToString()
            body = head + self._row + _number.pack(predictions[0, 0])
        else:
            message = ModelInferResponse(id=answer.id)
            output = message.outputs.add(name=OUTPUT, datatype="FP32", shape=predictions.shape)
            if raw:
                message.raw_output_contents.append(predictions.astype("<f4").tobytes())
            else:
                output.contents.fp32_contents.extend(predictions[:, 0].tolist())
            body = message.SerializeToString()
        found: bytes = self._head + (self._degraded if answer.degraded else b"") + body
        return found


class OipOutputsWriter(OipWriter):
    """Writes answers of several outputs: those that the request named, or all."""

    def __init__(self, model: Model) -> None:
        """Prepare the parts that do not change."""
        super().__init__(model)
        self._names = [output.name for output in model.signature.outputs]
        self._every = everything(model.signature.outputs, binary=False)

    def write(self, answer: InferAnswer, *, raw: bool) -> bytes:
        """Return the message of an answer; raw requests are answered with raw contents."""
        outputs = answer.outputs
        message = ModelInferResponse(id=answer.id)
        for place, _ in answer.wanted or self._every:
            values = outputs[place]
            told = message.outputs.add(name=self._names[place], datatype="FP32", shape=values.shape)
            if raw:
                message.raw_output_contents.append(values.astype("<f4").tobytes())
            else:
                told.contents.fp32_contents.extend(values.ravel().tolist())
        body: bytes = message.SerializeToString()
        return self._head + (self._degraded if answer.degraded else b"") + body
