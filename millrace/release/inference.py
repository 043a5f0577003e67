"""An arm's InferenceService, read strictly where the platform relies on it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from millrace.errors import ReleaseError
from millrace.located import Place, YamlDocument, nearest
from millrace.release.parsing import documents_of, shaped
from millrace.release.rendering import BUNDLE_ANNOTATION, VERSION_ANNOTATION, WORKLOAD_LABEL
from millrace.release.shapes import InferenceServiceShape

_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class InferenceService:
    """One arm, as its file says.

    Attributes:
        name: name of the arm, such as `churn-v7`.
        workload: name of the workload.
        digest: digest of its bundle.
        version: version of its bundle in the registry.
        storage_uri: where the bundle lies.
        args: the predictor's command line, as it stands.
        options: the same by name, without the dashes.
        replicas: how many pods; on a laptop, processes.
    """

    name: str
    workload: str
    digest: str
    version: int
    storage_uri: str
    args: tuple[str, ...]
    replicas: int
    options: Mapping[str, str] = field(default_factory=dict)


def parse_inference_service(content: bytes, file: str) -> InferenceService:
    """Return the InferenceService of an arm's file.

    Args:
        content: the file.
        file: its path, for messages.

    Raises:
        ReleaseError: it is none, or contradicts itself about its bundle.
    """
    documents = documents_of(content, file)
    if len(documents) != 1:
        raise ReleaseError(
            "an arm's file holds one InferenceService",
            where=documents[1].where() if documents else file,
            found=f"{len(documents)} documents",
            remedy="keep one; every arm has a file of its own",
        )
    document = documents[0]
    shape = shaped(document, InferenceServiceShape)
    annotations: Place = ("metadata", "annotations")
    workload = _required(shape.metadata.labels, WORKLOAD_LABEL, document, ("metadata", "labels"))
    digest = _digest(document, shape)
    version = _required(shape.metadata.annotations, VERSION_ANNOTATION, document, annotations)
    if not re.fullmatch(r"[1-9][0-9]{0,8}", version):
        raise ReleaseError(
            f"the annotation {VERSION_ANNOTATION} is no version",
            where=document.where((*annotations, VERSION_ANNOTATION)),
            found=repr(version),
            expected="a number from 1, in quotes",
        )
    service = InferenceService(
        name=shape.metadata.name,
        workload=workload,
        digest=digest,
        version=int(version),
        storage_uri=shape.spec.predictor.model.storageUri,
        args=tuple(shape.spec.predictor.model.args),
        replicas=shape.spec.predictor.minReplicas,
        options=_options(document, shape.spec.predictor.model.args),
    )
    _agrees_with_itself(service, document)
    return service


def _required(values: Mapping[str, str], key: str, document: YamlDocument, place: Place) -> str:
    if key in values:
        return values[key]
    near = nearest(key, (name for name in values if name.startswith("millrace.dev/")))
    what = place[-1][:-1] if isinstance(place[-1], str) else ""
    raise ReleaseError(
        f"the {what} {key} is missing",
        where=document.where(place),
        found=", ".join(values),
        remedy=f"rename {near!r}" if near else "add it: the platform knows arms by it",
    )


def _digest(document: YamlDocument, shape: InferenceServiceShape) -> str:
    place = ("metadata", "annotations")
    text = _required(shape.metadata.annotations, BUNDLE_ANNOTATION, document, place)
    algorithm, _, digest = text.partition(":")
    if algorithm != "sha256" or not _DIGEST.fullmatch(digest):
        raise ReleaseError(
            f"the annotation {BUNDLE_ANNOTATION} is no digest",
            where=document.where((*place, BUNDLE_ANNOTATION)),
            found=repr(text),
            expected="sha256: and 64 lower-case hexadecimal digits",
            remedy="see `millrace candidates`",
        )
    return digest


def _options(document: YamlDocument, args: list[str]) -> dict[str, str]:
    place: Place = ("spec", "predictor", "model", "args")
    options: dict[str, str] = {}
    for index, argument in enumerate(args):
        name, equals, value = argument.removeprefix("--").partition("=")
        if not argument.startswith("--") or not equals:
            raise ReleaseError(
                "an argument of the predictor cannot be read",
                where=document.where((*place, index)),
                found=repr(argument),
                expected="--NAME=VALUE",
            )
        if name in options:
            raise ReleaseError(
                f"the argument --{name} stands here a second time",
                where=document.where((*place, index)),
                remedy="keep one of them",
            )
        options[name] = value
    return options


def _agrees_with_itself(service: InferenceService, document: YamlDocument) -> None:
    """Hold storageUri and arguments to the annotations and the label."""
    model: Place = ("spec", "predictor", "model")
    if not service.storage_uri.endswith(f"/sha256/{service.digest}"):
        raise ReleaseError(
            "storageUri and annotation name different bundles",
            where=document.where((*model, "storageUri")),
            found=service.storage_uri,
            expected=f"it to end in /sha256/{service.digest}",
            remedy=f"mend the one that is wrong; the annotation is {BUNDLE_ANNOTATION}",
        )
    said = {
        "model-name": (service.workload, f"the label {WORKLOAD_LABEL}"),
        "digest": (service.digest, f"the annotation {BUNDLE_ANNOTATION}"),
        "version": (str(service.version), f"the annotation {VERSION_ANNOTATION}"),
    }
    for name, (expected, source) in said.items():
        found = service.options.get(name)
        if found != expected:
            index = next((i for i, a in enumerate(service.args) if a.startswith(f"--{name}=")), 0)
            raise ReleaseError(
                f"the argument --{name} contradicts {source}"
                if found is not None
                else f"the argument --{name} is missing",
                where=document.where((*model, "args", index)),
                found=repr(found) if found is not None else "",
                expected=f"--{name}={expected}",
                remedy="mend the one that is wrong",
            )
