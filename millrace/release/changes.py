"""Every change of a release, as a pure function of the files that stand there.

No change puts weight on an arm that is not in the files, and both routes change together. What
people added to the files stays. Times are Unix times in seconds, kept to the millisecond.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from millrace.deploy.base import Changes
from millrace.errors import ReleaseError
from millrace.release.documents import ArmRef, Canary, Phase, Position, Release
from millrace.release.gateway import weights_text
from millrace.release.layout import KUSTOMIZATION, ROLLOUT, ROUTE, arm_file
from millrace.release.manifest import rollout_file, rounded
from millrace.release.routing import (
    with_backend,
    with_resource,
    with_weights,
    without_backend,
    without_resource,
)
from millrace.workload.rollout import Rollout, SetWeight
from millrace.workload.serving import Serving

Files = Mapping[str, bytes]


def propose_candidate(
    files: Files,
    release: Release,
    canary: Canary,
    content: bytes,
    *,
    serving: Serving,
    rollout: Rollout,
    now: float,
    reason: str = "",
) -> Changes:
    """Return the changes that put a canary beside the stable arm, at weight 0.

    Args:
        files: the workload's files.
        release: what they say.
        canary: the bundle; by its purpose a candidate, or a kept one that is to serve again.
        content: the canary's arm file (see `canary_arm`).
        serving: how the workload answers from now on.
        rollout: how the canary is to be judged.
        now: Unix time, seconds.
        reason: why it is proposed, for people.

    Raises:
        ReleaseError: another canary is on trial, or the canary is the stable arm.
    """
    _require_phase(release, "stable")
    if canary.name == release.stable.name:
        same = canary.digest == release.stable.digest
        raise ReleaseError(
            f"{canary.name} serves already" if same else f"{canary.name} names another bundle",
            where=arm_file(release.workload, canary.name),
            found=f"bundle {release.stable.digest}",
            expected="" if same else f"bundle {canary.digest}",
            remedy="" if same else "the registry counts anew: restore it, or release elsewhere",
        )
    after = _with(
        release,
        canary=canary,
        weights={release.stable.name: 100, canary.name: 0},
        serving=serving,
        rollout=rollout,
        position=_position("waiting", -1, now, reason),
    )
    route, kustomized = f"{release.workload}/{ROUTE}", f"{release.workload}/{KUSTOMIZATION}"
    return _differing(
        files,
        {
            arm_file(release.workload, canary.name): content,
            route: with_backend(files[route], canary.name),
            kustomized: with_resource(files[kustomized], canary.name),
            f"{release.workload}/{ROLLOUT}": rollout_file(after),
        },
    )


def advance(files: Files, release: Release, *, now: float, reason: str = "") -> Changes:
    """Return the changes that bring the canary to the next step; its first weight, if it has none.

    Raises:
        ReleaseError: no canary waits or progresses, it is to be restored, or this is the last step.
    """
    _require_phase(release, "waiting", "progressing")
    canary = _canary(release)
    step = release.position.step + 1
    if step >= len(release.rollout.steps) or canary.purpose == "restore":
        raise ReleaseError(
            "there is no further step",
            where=f"{release.workload}/{ROLLOUT}",
            found=f"step {release.position.step} of {len(release.rollout.steps)}",
            remedy="promote it, or roll it back",
        )
    position = _position("progressing", step, now, reason, started=release.position.started or now)
    return _moved(files, release, weight_at(release.rollout, step), position)


def promote(files: Files, release: Release, *, now: float, reason: str = "") -> Changes:
    """Return the changes that give the canary all the traffic; the stable arm stays, with none.

    Raises:
        ReleaseError: no canary waits or progresses.
    """
    _require_phase(release, "waiting", "progressing")
    return _moved(files, release, 100, _after(release, "promoted", now, reason))


def finish_promotion(files: Files, release: Release, *, now: float, reason: str = "") -> Changes:
    """Return the changes that make a promoted canary the stable arm; the former one goes.

    Raises:
        ReleaseError: no canary was promoted.
    """
    _require_phase(release, "promoted")
    canary = _canary(release)
    _require_weights(release, {release.stable.name: 0, canary.name: 100})
    stable = ArmRef(version=canary.version, digest=canary.digest, name=canary.name)
    return _finished(files, release, stable, release.stable, now, reason)


def roll_back(files: Files, release: Release, *, now: float, reason: str = "") -> Changes:
    """Return the changes that take all traffic from the canary; it stays, with weight 0.

    Raises:
        ReleaseError: no canary is there, or it is rolled back already.
    """
    _require_phase(release, "waiting", "progressing", "promoted")
    return _moved(files, release, 0, _after(release, "rolled back", now, reason))


def finish_roll_back(files: Files, release: Release, *, now: float, reason: str = "") -> Changes:
    """Return the changes that remove a canary that was rolled back.

    Raises:
        ReleaseError: no canary was rolled back.
    """
    _require_phase(release, "rolled back")
    canary = _canary(release)
    _require_weights(release, {release.stable.name: 100, canary.name: 0})
    return _finished(files, release, release.stable, canary, now, reason)


def without_canary(files: Files, release: Release, *, now: float) -> Changes:
    """Return the changes after which nothing is on trial: a promoted canary stays, others go.

    Args:
        files: the workload's files.
        release: what they say; a canary is there.
        now: Unix time, seconds.
    """
    canary = _canary(release)
    if release.position.phase == "promoted":
        stable = ArmRef(version=canary.version, digest=canary.digest, name=canary.name)
        return _finished(files, release, stable, release.stable, now, "")
    return _finished(files, release, release.stable, canary, now, "")


def weight_at(rollout: Rollout, step: int) -> int:
    """Return percent of all requests for the canary at a step: of the last setWeight up to it."""
    weights = [s.setWeight for s in rollout.steps[: step + 1] if isinstance(s, SetWeight)]
    return weights[-1] if weights else 0


def applied(files: Files, changes: Changes) -> dict[str, bytes]:
    """Return the files after some changes."""
    merged: dict[str, bytes | None] = {**files, **changes}
    return {path: content for path, content in merged.items() if content is not None}


def _moved(files: Files, release: Release, weight: int, position: Position) -> Changes:
    weights = {release.stable.name: 100 - weight, _canary(release).name: weight}
    route = f"{release.workload}/{ROUTE}"
    after = _with(release, weights=weights, position=position)
    return _differing(
        files,
        {
            route: with_weights(files[route], weights),
            f"{release.workload}/{ROLLOUT}": rollout_file(after),
        },
    )


def _finished(
    files: Files, release: Release, stays: ArmRef, goes: ArmRef, now: float, reason: str
) -> Changes:
    route, kustomized = f"{release.workload}/{ROUTE}", f"{release.workload}/{KUSTOMIZATION}"
    after = _with(
        release,
        stable=stays,
        canary=None,
        weights={stays.name: 100},
        position=_position("stable", -1, now, reason or release.position.reason),
    )
    return _differing(
        files,
        {
            arm_file(release.workload, goes.name): None,
            route: with_weights(without_backend(files[route], goes.name), {stays.name: 100}),
            kustomized: without_resource(files[kustomized], goes.name),
            f"{release.workload}/{ROLLOUT}": rollout_file(after),
        },
    )


def _position(phase: Phase, step: int, now: float, reason: str, started: float = 0.0) -> Position:
    return Position(
        phase=phase, step=step, since=rounded(now), started=rounded(started), reason=reason
    )


def _after(release: Release, phase: Phase, now: float, reason: str) -> Position:
    return _position(phase, release.position.step, now, reason, release.position.started)


def _with(release: Release, **values: Any) -> Release:
    return Release(**{**{name: getattr(release, name) for name in Release.model_fields}, **values})


def _differing(files: Files, changes: Changes) -> Changes:
    return {path: content for path, content in changes.items() if files.get(path) != content}


def _canary(release: Release) -> Canary:
    """Return the canary of a release in a phase that has one."""
    assert release.canary is not None
    return release.canary


def _require_phase(release: Release, *phases: Phase) -> None:
    if release.position.phase not in phases:
        raise ReleaseError(
            "this cannot be done in the present phase",
            where=f"{release.workload}/{ROLLOUT}",
            found=release.position.phase,
            expected=" or ".join(phases),
            remedy="see `millrace status`",
        )


def _require_weights(release: Release, weights: Mapping[str, int]) -> None:
    if release.weights != weights:
        raise ReleaseError(
            "the arm that is to go still has traffic",
            where=f"{release.workload}/{ROUTE}",
            found=weights_text(release.weights),
            expected=weights_text(weights),
            remedy="mend the weights of both routes",
        )
