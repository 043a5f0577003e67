"""Messages of the Open Inference Protocol's gRPC form, in a descriptor pool of our own.

Names and field numbers are the protocol's, so the bytes are those of every other implementation;
the pool is private, so generated classes of the same names (kserve's) may be loaded beside ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "inference"
HEALTH_PACKAGE = "grpc.health.v1"
SERVICE = f"{PACKAGE}.GRPCInferenceService"
HEALTH_SERVICE = f"{HEALTH_PACKAGE}.Health"

_FIELD = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "bool": _FIELD.TYPE_BOOL,
    "int32": _FIELD.TYPE_INT32,
    "int64": _FIELD.TYPE_INT64,
    "uint32": _FIELD.TYPE_UINT32,
    "uint64": _FIELD.TYPE_UINT64,
    "float": _FIELD.TYPE_FLOAT,
    "double": _FIELD.TYPE_DOUBLE,
    "string": _FIELD.TYPE_STRING,
    "bytes": _FIELD.TYPE_BYTES,
}
_PARAMETERS = "map InferParameter"
_TENSOR = ("name string", "datatype string", "shape int64*")
_MODEL = ("name string", "version string")

_MESSAGES: dict[str, tuple[str, ...]] = {
    "ServerLiveRequest": (),
    "ServerLiveResponse": ("live bool",),
    "ServerReadyRequest": (),
    "ServerReadyResponse": ("ready bool",),
    "ModelReadyRequest": _MODEL,
    "ModelReadyResponse": ("ready bool",),
    "ServerMetadataRequest": (),
    "ServerMetadataResponse": (*_MODEL, "extensions string*"),
    "ModelMetadataRequest": _MODEL,
    "ModelMetadataResponse": (
        "name string",
        "versions string*",
        "platform string",
        "inputs ModelMetadataResponse.TensorMetadata*",
        "outputs ModelMetadataResponse.TensorMetadata*",
    ),
    "ModelMetadataResponse.TensorMetadata": _TENSOR,
    "InferParameter": ("bool_param bool|", "int64_param int64|", "string_param string|"),
    "InferTensorContents": (
        "bool_contents bool*",
        "int_contents int32*",
        "int64_contents int64*",
        "uint_contents uint32*",
        "uint64_contents uint64*",
        "fp32_contents float*",
        "fp64_contents double*",
        "bytes_contents bytes*",
    ),
    "ModelInferRequest": (
        "model_name string",
        "model_version string",
        "id string",
        f"parameters {_PARAMETERS}",
        "inputs ModelInferRequest.InferInputTensor*",
        "outputs ModelInferRequest.InferRequestedOutputTensor*",
        "raw_input_contents bytes*",
    ),
    "ModelInferRequest.InferInputTensor": (
        *_TENSOR,
        f"parameters {_PARAMETERS}",
        "contents InferTensorContents",
    ),
    "ModelInferRequest.InferRequestedOutputTensor": ("name string", f"parameters {_PARAMETERS}"),
    "ModelInferResponse": (
        "model_name string",
        "model_version string",
        "id string",
        f"parameters {_PARAMETERS}",
        "outputs ModelInferResponse.InferOutputTensor*",
        "raw_output_contents bytes*",
    ),
    "ModelInferResponse.InferOutputTensor": (
        *_TENSOR,
        f"parameters {_PARAMETERS}",
        "contents InferTensorContents",
    ),
}
"""Fields of each message, numbered from 1: `name type`, with * for repeated, | for a choice."""
_HEALTH_MESSAGES = {
    "HealthCheckRequest": ("service string",),
    # An enum, which has the same form as an int32: 1 is SERVING, 2 is NOT_SERVING.
    "HealthCheckResponse": ("status int32",),
}


def _file(package: str, messages: Mapping[str, tuple[str, ...]]) -> Any:
    file = descriptor_pb2.FileDescriptorProto(
        name=f"{package}.proto", package=package, syntax="proto3"
    )
    made: dict[str, Any] = {}
    for path, fields in messages.items():
        outer, _, name = path.rpartition(".")
        message = made[outer].nested_type.add() if outer else file.message_type.add()
        message.name = name
        made[path] = message
        for number, text in enumerate(fields, 1):
            _add_field(message, path, number, text)
    return file


def _add_field(message: Any, path: str, number: int, text: str) -> None:
    name, kind = text.split(" ", 1)
    field = message.field.add(name=name, number=number, label=_FIELD.LABEL_OPTIONAL)
    if kind == _PARAMETERS:
        _add_entry(message)
        kind = f"{path}.ParametersEntry*"
    if kind.endswith("*"):
        field.label = _FIELD.LABEL_REPEATED
    if kind.endswith("|"):
        if not message.oneof_decl:
            message.oneof_decl.add(name="parameter_choice")
        field.oneof_index = 0
    _set_type(field, kind.rstrip("*|"))


def _add_entry(message: Any) -> None:
    """Add the message that a map of parameters consists of on the wire."""
    entry = message.nested_type.add(name="ParametersEntry")
    entry.options.map_entry = True
    for number, (name, kind) in enumerate((("key", "string"), ("value", "InferParameter")), 1):
        _set_type(entry.field.add(name=name, number=number, label=_FIELD.LABEL_OPTIONAL), kind)


def _set_type(field: Any, kind: str) -> None:
    if kind in _SCALARS:
        field.type = _SCALARS[kind]
    else:
        field.type = _FIELD.TYPE_MESSAGE
        field.type_name = f".{PACKAGE}.{kind}"


_pool = descriptor_pool.DescriptorPool()
_pool.Add(_file(PACKAGE, _MESSAGES))
_pool.Add(_file(HEALTH_PACKAGE, _HEALTH_MESSAGES))


def message_class(name: str, package: str = PACKAGE) -> Any:
    """Return the class of a message of the protocol."""
    return message_factory.GetMessageClass(_pool.FindMessageTypeByName(f"{package}.{name}"))


HealthCheckRequest = message_class("HealthCheckRequest", HEALTH_PACKAGE)
HealthCheckResponse = message_class("HealthCheckResponse", HEALTH_PACKAGE)
ModelInferRequest = message_class("ModelInferRequest")
ModelInferResponse = message_class("ModelInferResponse")
ModelMetadataRequest = message_class("ModelMetadataRequest")
ModelMetadataResponse = message_class("ModelMetadataResponse")
ModelReadyRequest = message_class("ModelReadyRequest")
ModelReadyResponse = message_class("ModelReadyResponse")
ServerLiveResponse = message_class("ServerLiveResponse")
ServerMetadataResponse = message_class("ServerMetadataResponse")
ServerReadyResponse = message_class("ServerReadyResponse")
