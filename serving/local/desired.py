"""What a folder of the deploy repository asks for, read as `kubectl apply -k` would take it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from posixpath import normpath
from typing import Any

from pydantic import TypeAdapter

from millrace.durations import WITH_UNIT
from millrace.errors import ReleaseError
from millrace.located import YamlDocument
from millrace.release.kubernetes import (
    InferenceService,
    parse_inference_service,
    parse_routes,
)
from millrace.release.layout import KUSTOMIZATION, ROLLOUT
from millrace.release.manifest import parse_rollout
from millrace.release.parsing import documents_of, shaped
from millrace.release.rendering import RUNTIME, SERVICE_SUFFIX
from millrace.release.shapes import InferenceServiceShape, KustomizationShape
from millrace.workload.base import Duration
from serving.local.hostnames import hostnames_of
from serving.local.route_filters import split_of
from serving.local.splits import Host, Split

LONGEST_NAME = 63
"""Letters of a Service's name, as Kubernetes has it."""
_ROUTES = ("HTTPRoute", "GRPCRoute")


@dataclass(frozen=True)
class Wanted:
    """What one folder asks for.

    Attributes:
        workload: name of the folder.
        arms: InferenceServices for our runtime, by name.
        host: the route with the declared weights; None if the folder has none.
        left_alone: what is not for this platform to run, or wrong but not needed, one line each.
        canary: name of the arm on trial, as rollout.yaml says; empty if it names none.
    """

    workload: str
    arms: Mapping[str, InferenceService] = field(default_factory=dict)
    host: Host | None = None
    left_alone: tuple[str, ...] = ()
    canary: str = ""


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
    reading = _Reading(files, folder)
    for file in _resources(files, path, folder):
        reading.take(file)
    reading.see_that_arms_with_weight_run()
    reading.look_at_the_intent()
    return Wanted(folder, reading.arms, reading.host, tuple(reading.left_alone), reading.canary)


class _Reading:
    """What was found so far in the files of one folder."""

    def __init__(self, files: Mapping[str, bytes], folder: str) -> None:
        self._files = files
        self._folder = folder
        self.arms: dict[str, InferenceService] = {}
        self.host: Host | None = None
        self.left_alone: list[str] = []
        self.canary = ""
        self._routes = ""
        """File of the routes."""
        self._idle: dict[str, ReleaseError] = {}
        """Why an object, by its name, cannot get requests here."""

    def take(self, file: str) -> None:
        """Read one file that the kustomization lists."""
        documents = documents_of(self._files[file], file)
        kinds = [_kind(document) for document in documents]
        if any(kind in _ROUTES for kind in kinds):
            if self.host is not None:
                raise ReleaseError("a second file of routes", where=file, remedy="keep one")
            self.host, self._routes = _host(self._files[file], file, self._folder), file
        elif "InferenceService" in kinds:
            self._take_service(documents[0], file)
        else:
            found = ", ".join(kind or "nothing" for kind in kinds)
            self.left_alone.append(f"{file}: a {found} means nothing here; left alone")
            for document, kind in zip(documents, kinds, strict=True):
                name, where = _name(document), document.where(("kind",))
                self._idle[name] = _idle(name, "it is no InferenceService", where, kind)

    def _take_service(self, document: YamlDocument, file: str) -> None:
        shape = shaped(document, InferenceServiceShape)
        runtime = shape.spec.predictor.model.runtime
        if runtime == RUNTIME:
            service = parse_inference_service(self._files[file], file)
            _once(service, self.arms, file)
            _check_name(service, document)
            _check_objective(service, document)
            self.arms[service.name] = service
        else:
            self.left_alone.append(f"{file}: the runtime {runtime} does not run here; left alone")
            where = document.where(("spec", "predictor", "model", "runtime"))
            name = shape.metadata.name
            self._idle[name] = _idle(name, "its runtime does not run here", where, runtime, RUNTIME)

    def see_that_arms_with_weight_run(self) -> None:
        """Raise ReleaseError if an arm that shall get requests is none that runs here."""
        splits = (self.host.http, self.host.grpc) if self.host else ()
        for target in (target for split in splits if split for target in split.targets):
            if target.weight and target.arm not in self.arms:
                unlisted = "no file that the kustomization lists holds it"
                raise self._idle.get(target.arm) or _idle(target.arm, unlisted, self._routes)

    def look_at_the_intent(self) -> None:
        """Note the canary, or a fault of rollout.yaml, which does not hold up what serves."""
        file = f"{self._folder}/{ROLLOUT}"
        if file in self._files:
            try:
                intent = parse_rollout(self._files[file], file, self._folder)
                self.canary = intent.canary.name if intent.canary else ""
            except ReleaseError as fault:
                self.left_alone.append(f"{fault}; what serves goes on")


def _idle(
    arm: str, problem: str, where: str, found: str = "", expected: str = "InferenceService"
) -> ReleaseError:
    """Return the fault of an arm that gets no requests here, should the routes send it some."""
    return ReleaseError(
        f"{arm} shall get requests, but {problem}",
        where=where,
        found=found,
        expected=expected if found else "",
        remedy="mend it, or take its weight away; until then, what served before goes on",
    )


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


def _name(document: YamlDocument) -> str:
    content = document.content
    metadata = content.get("metadata") if isinstance(content, dict) else None
    return str(metadata.get("name", "")) if isinstance(metadata, dict) else ""


def _once(service: InferenceService, arms: Mapping[str, InferenceService], file: str) -> None:
    if service.name in arms:
        raise ReleaseError(
            f"a second InferenceService {service.name}", where=file, remedy="keep one of them"
        )


def _check_name(service: InferenceService, document: YamlDocument) -> None:
    longest = LONGEST_NAME - len(SERVICE_SUFFIX)
    if len(service.name) > longest:
        raise ReleaseError(
            "the name of the arm is too long for its Service",
            where=document.where(("metadata", "name")),
            found=f"{len(service.name)} letters",
            expected=f"at most {longest}, as {SERVICE_SUFFIX} follows",
        )


def objective_of(service: InferenceService) -> float:
    """Return the time within which an arm shall answer, in seconds.

    Raises:
        ValueError: its argument is no duration.
        OverflowError: it is too long.
    """
    given: timedelta = TypeAdapter[Any](Duration).validate_python(
        service.options.get("latency", "50ms")
    )
    return given.total_seconds()


def _check_objective(service: InferenceService, document: YamlDocument) -> None:
    try:
        objective_of(service)
    except (ValueError, OverflowError) as error:
        given = service.options["latency"]
        index = service.args.index(f"--latency={given}")
        raise ReleaseError(
            "the argument --latency is no duration",
            where=document.where(("spec", "predictor", "model", "args", index)),
            found=repr(given),
            expected=f"{WITH_UNIT}, such as --latency=50ms",
            remedy="mend the value",
        ) from error


def _host(content: bytes, file: str, folder: str) -> Host:
    splits: dict[str, Split] = {}
    names: dict[str, tuple[str, ...]] = {}
    http, grpc = parse_routes(content, file)
    routes = {http.kind: http, grpc.kind: grpc}
    for document in documents_of(content, file):
        kind = _kind(document)
        names[kind] = hostnames_of(document)
        splits[kind] = split_of(document, routes[kind])
    return Host(folder, names["HTTPRoute"], splits["HTTPRoute"], splits["GRPCRoute"])
