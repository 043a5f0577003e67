"""The one graph: named features in, predictions out."""

from __future__ import annotations

from typing import Any

import onnx
from onnx import TensorProto, helper

from millrace.errors import ExportError
from millrace.export.core import CATEGORIES, NUMBERS
from millrace.export.manifest import outputs_for
from millrace.training.preprocessing import Preprocessing, Vocabulary

_ML = "ai.onnx.ml"
_ML_OPSET = 3
_ROWS = "n"


def whole_graph(core: onnx.ModelProto, preprocessing: Preprocessing) -> onnx.ModelProto:
    """Return the graph from named features to predictions.

    Args:
        core: the torch part, see `export_core`.
        preprocessing: names of the features, and the vocabularies.

    Returns:
        A graph with an input [n, 1] for each feature under its name, float32 with NaN for missing
        or string with '' for missing, and the outputs of `outputs_for`; without anything that
        depends on who exported it where.
    """
    names = _names(preprocessing)
    prefix = _prefix_unlike(names, "core.")
    # The opsets of the parts must agree in what they share, and only the core knows its own.
    front = _front(preprocessing, core, _prefix_unlike(names, "front."))
    inner = onnx.compose.add_prefix(core, prefix, rename_outputs=False)
    joined = onnx.compose.merge_models(
        front,
        inner,
        io_map=[
            (front.graph.output[0].name, f"{prefix}{NUMBERS}"),
            (front.graph.output[1].name, f"{prefix}{CATEGORIES}"),
        ],
    )
    return _without_noise(joined)


def require_other_names(preprocessing: Preprocessing) -> None:
    """See that no feature is named like an output.

    Raises:
        ExportError: one is.
    """
    names = _names(preprocessing)
    for output in outputs_for(preprocessing.quantiles):
        if output.name in names:
            raise ExportError(
                f"the feature {output.name!r} is named like the model's output",
                where="feature views",
                remedy="give the feature another name in features.py and definitions.py",
            )


def serialized(model: onnx.ModelProto) -> bytes:
    """Return the same bytes for the same graph."""
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def _names(preprocessing: Preprocessing) -> list[str]:
    numbers = [scaling.name for scaling in preprocessing.numbers]
    return numbers + [vocabulary.name for vocabulary in preprocessing.categories]


def _prefix_unlike(names: list[str], prefix: str) -> str:
    """Return a prefix that none of the names starts with, so that no inner name can clash."""
    while any(name.startswith(prefix) for name in names):
        prefix = f"_{prefix}"
    return prefix


def _front(preprocessing: Preprocessing, core: onnx.ModelProto, prefix: str) -> onnx.ModelProto:
    """Return the graph from features to a numeric tensor and a tensor of category indices."""
    numbers = [scaling.name for scaling in preprocessing.numbers]
    encoded = [f"{prefix}index_{i}" for i in range(len(preprocessing.categories))]
    outputs = f"{prefix}{NUMBERS}", f"{prefix}{CATEGORIES}"
    nodes = [
        _label_encoder(vocabulary, output)
        for vocabulary, output in zip(preprocessing.categories, encoded, strict=True)
    ]
    constants = []
    for columns, output in zip((numbers, encoded), outputs, strict=True):
        if columns:
            nodes.append(helper.make_node("Concat", columns, [output], axis=1))
    if not (numbers and encoded):
        full, empty = outputs if numbers else outputs[::-1]
        kind = TensorProto.INT64 if numbers else TensorProto.FLOAT
        nodes += _no_columns(full, empty, kind, prefix)
        constants = [
            helper.make_tensor(f"{prefix}zero", TensorProto.INT64, [1], [0]),
            helper.make_tensor(f"{prefix}one", TensorProto.INT64, [1], [1]),
        ]
    graph = helper.make_graph(
        nodes,
        "millrace",
        [_tensor(name, TensorProto.FLOAT, 1) for name in numbers]
        + [_tensor(v.name, TensorProto.STRING, 1) for v in preprocessing.categories],
        [
            _tensor(outputs[0], TensorProto.FLOAT, len(numbers)),
            _tensor(outputs[1], TensorProto.INT64, len(encoded)),
        ],
        constants,
    )
    opsets = [*core.opset_import, helper.make_opsetid(_ML, _ML_OPSET)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=core.ir_version)


def _label_encoder(vocabulary: Vocabulary, output: str) -> onnx.NodeProto:
    # '' is 0 by default already; as a key it keeps the table of an empty vocabulary valid.
    keys = ["", *vocabulary.values]
    return helper.make_node(
        "LabelEncoder",
        [vocabulary.name],
        [output],
        domain=_ML,
        keys_strings=keys,
        values_int64s=list(range(len(keys))),
        default_int64=0,
    )


def _no_columns(full: str, empty: str, kind: int, prefix: str) -> list[onnx.NodeProto]:
    """Return nodes that make a tensor [n, 0] with as many rows as a full one."""
    zero, one, cut = f"{prefix}zero", f"{prefix}one", f"{prefix}cut"
    return [
        helper.make_node("Slice", [full, zero, zero, one], [cut]),
        helper.make_node("Cast", [cut], [empty], to=kind),
    ]


def _tensor(name: str, kind: int, columns: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, [_ROWS, columns])


def _without_noise(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model without what differs between folders and versions, and changes nothing."""
    _clear_remarks(model)
    model.producer_name = "millrace"
    model.producer_version = model.domain = ""
    versions = {opset.domain: opset.version for opset in model.opset_import}
    del model.opset_import[:]  # joining repeats what both parts import
    model.opset_import.extend(helper.make_opsetid(*pair) for pair in sorted(versions.items()))
    del model.graph.value_info[:]  # holds numbered symbols; onnxruntime infers shapes itself
    for output in model.graph.output:
        for dimension in output.type.tensor_type.shape.dim:
            if dimension.dim_param:
                dimension.dim_param = _ROWS
    return model


def _clear_remarks(message: Any) -> None:
    """Clear stack traces, file paths and other remarks in a message and all that is in it."""
    for field, value in message.ListFields():
        if field.name in ("metadata_props", "doc_string"):
            message.ClearField(field.name)
        elif field.message_type is not None:
            for part in [value] if hasattr(value, "ListFields") else value:
                _clear_remarks(part)
