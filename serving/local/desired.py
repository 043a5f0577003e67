"""What a folder of the deploy repository asks for, read as `kubectl apply -k` would take it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from posixpath import normpath
from typing import Any

from pydantic import TypeAdapter, ValidationError

from millrace.errors import ReleaseError
from millrace.located import YamlDocument
from millrace.release.kubernetes import (
    InferenceService,
    parse_inference_service,
    parse_routes,
)
from millrace.release.layout import KUSTOMIZATION
from millrace.release.parsing import documents_of, shaped
from millrace.release.rendering import RUNTIME
from millrace.release.shapes import InferenceServiceShape, KustomizationShape
from millrace.workload.base import Duration
from serving.local.route_filters import split_of
from serving.local.splits import Host, Split

_ROUTES = ("HTTPRoute", "GRPCRoute")


@dataclass(frozen=True)
class Wanted:
    """What one folder asks for.

    Attributes:
        workload: name of the folder.
        arms: InferenceServices for our runtime, by name.
        host: the route with the declared weights; None if the folder has none.
        left_alone: what is not for this platform to run, one line each.
    """

    workload: str
    arms: Mapping[str, InferenceService] = field(default_factory=dict)
    host: Host | None = None
    left_alone: tuple[str, ...] = ()


def read_wanted(files: Mapping[str, bytes], folder: str) -> Wanted | None:
    """Return what a folder asks for; None if it has no kustomization, so asks for nothing.

    Args:
        files: content of its files, by path from the repository's root.
        folder: its name.

    Raises:
        ReleaseError: a file is missing or broken, told with its line.
    """
    path = f"{folder}/{KUSTOMIZATION}"
    if path not in files:
        return None
    arms: dict[str, InferenceService] = {}
    host: Host | None = None
    left_alone: list[str] = []
    for file in _resources(files, path, folder):
        documents = documents_of(files[file], file)
        kinds = [_kind(document) for document in documents]
        if any(kind in _ROUTES for kind in kinds):
            if host is not None:
                raise ReleaseError("a second file of routes", where=file, remedy="keep one")
            host = _host(files[file], file, folder)
        elif "InferenceService" in kinds:
            runtime = shaped(documents[0], InferenceServiceShape).spec.predictor.model.runtime
            if runtime == RUNTIME:
                service = parse_inference_service(files[file], file)
                _once(service, arms, file)
                _check_objective(service, documents[0])
                arms[service.name] = service
            else:
                left_alone.append(f"{file}: the runtime {runtime} does not run here; left alone")
        else:
            found = ", ".join(kind or "nothing" for kind in kinds)
            left_alone.append(f"{file}: a {found} means nothing here; left alone")
    return Wanted(folder, arms, host, tuple(left_alone))


def _resources(files: Mapping[str, bytes], path: str, folder: str) -> list[str]:
    documents = documents_of(files[path], path)
    if len(documents) != 1:
        raise ReleaseError(
            "a kustomization is one document", where=path, found=f"{len(documents)} of them"
        )
    document = documents[0]
    found = []
    for index, name in enumerate(shaped(document, KustomizationShape).resources):
        file = normpath(f"{folder}/{name}")
        if file not in files:
            raise ReleaseError(
                f"the resources list a file that is not there: {name}",
                where=document.where(("resources", index)),
                remedy="add the file, or remove it from the resources",
            )
        found.append(file)
    return found


def _kind(document: YamlDocument) -> str:
    content = document.content
    return str(content.get("kind", "")) if isinstance(content, dict) else ""


def _once(service: InferenceService, arms: Mapping[str, InferenceService], file: str) -> None:
    if service.name in arms:
        raise ReleaseError(
            f"a second InferenceService {service.name}", where=file, remedy="keep one of them"
        )


def objective_of(service: InferenceService) -> float:
    """Return the time within which an arm shall answer, in seconds.

    Raises:
        ValidationError: its argument is no duration.
    """
    given: timedelta = TypeAdapter[Any](Duration).validate_python(
        service.options.get("latency", "50ms")
    )
    return given.total_seconds()


def _check_objective(service: InferenceService, document: YamlDocument) -> None:
    try:
        objective_of(service)
    except ValidationError as error:
        raise ReleaseError(
            f"the argument --latency cannot be read: {error.errors()[0]['msg']}",
            where=document.where(("spec", "predictor", "model", "args")),
            found=repr(service.options["latency"]),
        ) from error


def _host(content: bytes, file: str, folder: str) -> Host:
    splits: dict[str, Split] = {}
    http, grpc = parse_routes(content, file)
    routes = {http.kind: http, grpc.kind: grpc}
    for document in documents_of(content, file):
        splits[_kind(document)] = split_of(document, routes[_kind(document)])
    names = tuple(name.lower() for name in http.hostnames)
    return Host(folder, names, splits["HTTPRoute"], splits["GRPCRoute"])
