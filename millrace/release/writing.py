"""The files of a release that nothing stands in the place of yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from millrace.deploy.base import Changes
from millrace.release.documents import ArmRef, Position, Release
from millrace.release.dumping import HEADERS, to_yaml, with_header
from millrace.release.layout import KUSTOMIZATION, ROLLOUT, ROUTE, Site, arm_file
from millrace.release.manifest import rollout_file, rounded
from millrace.release.rendering import inference_service, kustomization, routes
from millrace.workload.rollout import Rollout
from millrace.workload.serving import Serving


def write_release(release: Release, site: Site) -> Changes:
    """Return all files of a release, as if nothing stood there yet; the same for the same release.

    Every arm gets the release's serving section.
    """
    workload = release.workload
    arms = [release.stable, *([release.canary] if release.canary else [])]
    weights = {arm.name: release.weights[arm.name] for arm in arms}
    files: dict[str, bytes | None] = {
        arm_file(workload, arm.name): arm_content(
            inference_service(workload, arm, release.serving, site)
        )
        for arm in arms
    }
    files[f"{workload}/{ROUTE}"] = with_header(
        HEADERS["route"], to_yaml(*routes(workload, weights, site))
    )
    files[f"{workload}/{KUSTOMIZATION}"] = with_header(
        HEADERS["kustomization"], to_yaml(kustomization([arm.name for arm in arms]))
    )
    files[f"{workload}/{ROLLOUT}"] = rollout_file(release)
    return files


def arm_content(service: Mapping[str, Any]) -> bytes:
    """Return the file of an arm."""
    return with_header(HEADERS["arm"], to_yaml(service))


def first_release(
    workload: str,
    arm: ArmRef,
    serving: Serving,
    rollout: Rollout,
    site: Site,
    *,
    now: float,
    reason: str = "first release",
) -> Changes:
    """Return the changes that release a workload for the first time: one arm, all the traffic."""
    release = Release(
        workload=workload,
        stable=ArmRef(version=arm.version, digest=arm.digest, name=arm.name),
        weights={arm.name: 100},
        serving=serving,
        rollout=rollout,
        position=Position(since=rounded(now), reason=reason),
    )
    return write_release(release, site)
