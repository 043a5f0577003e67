"""Answers in the Open Inference Protocol's JSON, with its binary extension."""

from __future__ import annotations

import msgspec

from millrace.export.manifest import OUTPUT
from serving.predictor.answering import InferAnswer
from serving.predictor.model import Model
from serving.predictor.outputs import everything


class V2Writer:
    """Turns answers into bodies; what is the same in all of them is encoded once."""

    def __init__(self, model: Model) -> None:
        encode = msgspec.json.encode
        head = encode(
            {
                "model_name": model.name,
                "model_version": model.version,
                "parameters": {"bundle_digest": model.digest},
            }
        )
        self._plain = head[:-1] + b',"id":'
        self._degraded = head[:-2] + b',"degraded":true},"id":'
        self._output = b',"outputs":[{"name":' + encode(OUTPUT) + b',"datatype":"FP32","shape":['
        self._encode = encode

    def write(self, answer: InferAnswer) -> bytes:
        """Return the body of an answer."""
        data = self._encode(answer.predictions[:, 0].tolist())
        return self._head(answer) + b',1],"data":%b}]}' % data

    def write_binary(self, answer: InferAnswer) -> tuple[bytes, int]:
        """Return the body of an answer with a binary tensor, and how much of it is JSON."""
        raw = answer.predictions.astype("<f4").tobytes()
        text = self._head(answer) + b',1],"parameters":{"binary_data_size":%d}}]}' % len(raw)
        return text + raw, len(text)

    def _head(self, answer: InferAnswer) -> bytes:
        start = self._degraded if answer.degraded else self._plain
        return b"%b%b%b%d" % (
            start,
            self._encode(answer.id),
            self._output,
            len(answer.predictions),
        )


class V2OutputsWriter(V2Writer):
    """Writes answers of several outputs: those that the request named, or all."""

    def __init__(self, model: Model) -> None:
        super().__init__(model)
        outputs = model.signature.outputs
        self._every = {yes: everything(outputs, binary=yes) for yes in (False, True)}
        self._starts = [
            self._encode({"name": output.name, "datatype": "FP32"})[:-1] + b',"shape":'
            for output in outputs
        ]

    def write(self, answer: InferAnswer) -> bytes:
        """Return the body of an answer."""
        return self._parts(answer, binary=False)[0]

    def write_binary(self, answer: InferAnswer) -> tuple[bytes, int]:
        """Return the body of an answer with binary tensors, and how much of it is JSON."""
        text, raw = self._parts(answer, binary=True)
        return text + raw, len(text)

    def _parts(self, answer: InferAnswer, *, binary: bool) -> tuple[bytes, bytes]:
        """Return the JSON of an answer, and the binary tensors that follow it."""
        outputs, encode = answer.outputs, self._encode
        told: list[bytes] = []
        tensors: list[bytes] = []
        for place, is_binary in answer.wanted or self._every[binary]:
            values = outputs[place]
            start = self._starts[place] + encode(values.shape)
            if is_binary:
                tensors.append(values.astype("<f4").tobytes())
                told.append(b'%b,"parameters":{"binary_data_size":%d}}' % (start, values.size * 4))
            else:
                told.append(b'%b,"data":%b}' % (start, encode(values.ravel().tolist())))
        head = self._degraded if answer.degraded else self._plain
        text = b'%b%b,"outputs":[%b]}' % (head, encode(answer.id), b",".join(told))
        return text, b"".join(tensors)
