"""A release folder read as a Release, strictly: what cannot be is told with its file and line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from millrace.errors import ReleaseError
from millrace.located import did_you_mean
from millrace.release.documents import ArmRef, Release
from millrace.release.gateway import Route, parse_routes
from millrace.release.inference import InferenceService, parse_inference_service
from millrace.release.layout import ARMS, KUSTOMIZATION, ROLLOUT, ROUTE, arm_file
from millrace.release.manifest import parse_rollout
from millrace.release.parsing import documents_of, shaped
from millrace.release.shapes import KustomizationShape


@dataclass(frozen=True)
class Desired:
    """All that a release folder says.

    Attributes:
        release: the release as values.
        arms: the InferenceServices by name.
        http: the HTTPRoute.
        grpc: the GRPCRoute; it splits the traffic as the HTTPRoute does.
    """

    release: Release
    arms: dict[str, InferenceService]
    http: Route
    grpc: Route


def read_release(files: Mapping[str, bytes], workload: str) -> Release:
    """Return the release that a workload's folder describes.

    Args:
        files: content of its files, by path from the repository's root.
        workload: name of the workload: the folder's.

    Raises:
        ReleaseError: the folder says something that cannot be, told with file and line.
    """
    return read_desired(files, workload).release


def read_desired(files: Mapping[str, bytes], workload: str) -> Desired:
    """Return the release of a workload's folder, with its InferenceServices and routes.

    Raises:
        ReleaseError: the folder says something that cannot be, told with file and line.
    """
    rollout = f"{workload}/{ROLLOUT}"
    intent = parse_rollout(_file(files, rollout), rollout, workload)
    arms = _arms(files, workload)
    http, grpc = parse_routes(_file(files, f"{workload}/{ROUTE}"), f"{workload}/{ROUTE}")
    named = [intent.stable, *([intent.canary] if intent.canary else [])]
    _arms_are_those_named(arms, named, workload)
    _routes_are_to(http, arms, f"{workload}/{ROUTE}")
    _kustomization_lists(files, workload, arms)
    release = Release(
        workload=workload,
        stable=intent.stable,
        canary=intent.canary,
        weights=http.weights(),
        serving=intent.serving,
        rollout=intent.rollout,
        position=intent.position,
    )
    return Desired(release, arms, http, grpc)


def _file(files: Mapping[str, bytes], path: str) -> bytes:
    if path in files:
        return files[path]
    folder = path.partition("/")[0]
    there = sorted(known for known in files if known.startswith(f"{folder}/"))
    raise ReleaseError(
        "the file is missing" if there else "nothing is released",
        where=path,
        found=", ".join(there),
        remedy="restore it from Git's history"
        if there
        else f"propose one: `millrace run {folder}`",
    )


def _arms(files: Mapping[str, bytes], workload: str) -> dict[str, InferenceService]:
    folder = f"{workload}/{ARMS}/"
    arms: dict[str, InferenceService] = {}
    for path in sorted(path for path in files if path.startswith(folder)):
        service = parse_inference_service(files[path], path)
        if path != arm_file(workload, service.name):
            raise ReleaseError(
                "the file is not named after its arm",
                where=path,
                found=f"the InferenceService {service.name}",
                expected=arm_file(workload, service.name),
                remedy="rename the file, or the InferenceService",
            )
        if service.workload != workload:
            raise ReleaseError(
                "the arm belongs to another workload",
                where=path,
                found=service.workload,
                expected=workload,
                remedy="mend its label and its arguments, or move it to the other's folder",
            )
        arms[service.name] = service
    return arms


def _arms_are_those_named(
    arms: Mapping[str, InferenceService], named: Iterable[ArmRef], workload: str
) -> None:
    """Hold the arms' files to rollout.yaml: the same arms, the same bundles."""
    rollout = f"{workload}/{ROLLOUT}"
    names = [ref.name for ref in named]
    for ref in named:
        service = arms.get(ref.name)
        if service is None:
            raise ReleaseError(
                f"the arm {ref.name} has no file",
                where=rollout,
                found=", ".join(arms) or f"nothing in {ARMS}/",
                expected=arm_file(workload, ref.name),
                remedy=did_you_mean(ref.name, arms) or "restore it from Git's history",
            )
        if (service.digest, service.version) != (ref.digest, ref.version):
            raise ReleaseError(
                f"the arm {ref.name} is another bundle than {ROLLOUT} says",
                where=arm_file(workload, ref.name),
                found=f"version {service.version}, bundle {service.digest}",
                expected=f"version {ref.version}, bundle {ref.digest}",
                remedy="mend the one that is wrong",
            )
    for name in arms:
        if name not in names:
            raise ReleaseError(
                f"the arm {name} is neither stable nor canary",
                where=arm_file(workload, name),
                expected=f"one of {', '.join(names)}, as {rollout} says",
                remedy="remove the file, or release the bundle with `millrace rollback --to`",
            )


def _routes_are_to(http: Route, arms: Mapping[str, InferenceService], file: str) -> None:
    weights = http.weights()
    for arm in weights:
        if arm not in arms:
            raise ReleaseError(
                f"the routes name an arm without a file: {arm}",
                where=file,
                expected=f"one of {', '.join(arms)}",
                remedy=did_you_mean(arm, arms) or "remove the backend from both routes",
            )
    for arm in arms:
        if arm not in weights:
            raise ReleaseError(
                f"the routes do not name the arm {arm}",
                where=file,
                found=", ".join(weights),
                remedy="add it to both routes, with weight 0 if it shall get no traffic",
            )


def _kustomization_lists(
    files: Mapping[str, bytes], workload: str, arms: Mapping[str, InferenceService]
) -> None:
    path = f"{workload}/{KUSTOMIZATION}"
    documents = documents_of(_file(files, path), path)
    if len(documents) != 1:
        raise ReleaseError(
            "a kustomization is one document", where=path, found=f"{len(documents)} of them"
        )
    resources = shaped(documents[0], KustomizationShape).resources
    where = documents[0].where(("resources",))
    if ROLLOUT in resources:
        raise ReleaseError(
            f"{ROLLOUT} is no Kubernetes object",
            where=documents[0].where(("resources", resources.index(ROLLOUT))),
            remedy="remove it from the resources",
        )
    for needed in [*(f"{ARMS}/{arm}.yaml" for arm in arms), ROUTE]:
        if needed not in resources:
            raise ReleaseError(
                f"the resources do not list {needed}",
                where=where,
                found=", ".join(map(str, resources)),
                remedy="add it",
            )
    for index, listed in enumerate(resources):
        arm_like = str(listed).startswith(f"{ARMS}/")
        if arm_like and f"{workload}/{listed}" not in files:
            raise ReleaseError(
                f"the resources list a file that is not there: {listed}",
                where=documents[0].where(("resources", index)),
                remedy="remove it from the resources",
            )
