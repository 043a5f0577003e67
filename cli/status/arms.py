"""The arms of a workload: what Git says of them, how they run, and what they did lately."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Literal

from cli.status.facts import ArmFacts, Traffic
from cli.status.traffic import recent_traffic
from millrace.errors import MetricsError
from millrace.release import Release
from millrace.settings import Settings
from serving.local.state import ArmState, PlatformState
from serving.metrics.log import metrics_log

Role = Literal["stable", "canary", "leaving"]


def arms_of(release: Release, state: PlatformState | None, settings: Settings) -> list[ArmFacts]:
    """Return the arms that a release names, then those that still run but are to go.

    Args:
        release: what Git says.
        state: what runs; None if no platform does.
        settings: where the metrics are.
    """
    there = state.arms if state else []
    running = {arm.name: arm for arm in there if arm.workload == release.workload}
    named = _named(release, running)
    route = state.route(release.workload) if state else None
    traffic: dict[str, Traffic] = {}
    if running:
        with suppress(MetricsError):
            traffic = recent_traffic(metrics_log(settings), list(named), time.time())
    return [
        _arm(
            running.get(name),
            release,
            name=name,
            role=role,
            digest=digest,
            weight=route.weights.get(name, 0) if route else None,
            traffic=traffic.get(name),
        )
        for name, (role, digest) in named.items()
    ]


def _named(release: Release, running: dict[str, ArmState]) -> dict[str, tuple[Role, str]]:
    """Return role and digest by the arm's name."""
    named: dict[str, tuple[Role, str]] = {release.stable.name: ("stable", release.stable.digest)}
    if release.canary is not None:
        named[release.canary.name] = ("canary", release.canary.digest)
    for arm in running.values():
        named.setdefault(arm.name, ("leaving", arm.digest))
    return named


def _arm(
    arm: ArmState | None,
    release: Release,
    *,
    name: str,
    role: Role,
    digest: str,
    weight: int | None,
    traffic: Traffic | None,
) -> ArmFacts:
    replicas = arm.replicas if arm else []
    return ArmFacts(
        name=name,
        role=role,
        digest=digest,
        weight=weight,
        declared=release.weights.get(name, 0),
        phase=arm.phase if arm else "not running",
        ready=sum(one.ready for one in replicas),
        replicas=len(replicas),
        restarts=sum(one.restarts for one in replicas),
        reason=arm.reason if arm else "",
        objective=arm.latency if arm else release.serving.latency.total_seconds(),
        traffic=traffic,
    )
