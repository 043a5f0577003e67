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

Role = Literal["stable", "canary", "leaving", "unknown"]


def arms_of(release: Release, state: PlatformState | None, settings: Settings) -> list[ArmFacts]:
    """Return the arms that a release names, then those that still run but are to go.

    Args:
        release: what Git says.
        state: what runs; None if no platform does.
        settings: where the metrics are.
    """
    running = _running(release.workload, state)
    named = _named(release, running)
    weights = _weights(release.workload, state)
    traffic = _traffic(running, list(named), settings)
    return [
        _arm(
            running.get(name),
            name=name,
            role=role,
            digest=digest,
            weight=None if weights is None else weights.get(name, 0),
            declared=release.weights.get(name, 0),
            objective=release.serving.latency.total_seconds(),
            traffic=traffic.get(name),
        )
        for name, (role, digest) in named.items()
    ]


def running_arms(workload: str, state: PlatformState | None, settings: Settings) -> list[ArmFacts]:
    """Return the arms that run, where nobody can read what Git says of them.

    Args:
        workload: its name.
        state: what runs; None if no platform does.
        settings: where the metrics are.
    """
    running = _running(workload, state)
    weights = _weights(workload, state) or {}
    traffic = _traffic(running, list(running), settings)
    return [
        _arm(
            arm,
            name=name,
            role="unknown",
            digest=arm.digest,
            weight=weights.get(name, 0),
            declared=weights.get(name, 0),
            objective=arm.latency,
            traffic=traffic.get(name),
        )
        for name, arm in running.items()
    ]


def _running(workload: str, state: PlatformState | None) -> dict[str, ArmState]:
    there = state.arms if state else []
    return {arm.name: arm for arm in there if arm.workload == workload}


def _weights(workload: str, state: PlatformState | None) -> dict[str, int] | None:
    route = state.route(workload) if state else None
    return route.weights if route else None


def _traffic(
    running: dict[str, ArmState], arms: list[str], settings: Settings
) -> dict[str, Traffic]:
    if running:
        with suppress(MetricsError):
            return recent_traffic(metrics_log(settings), arms, time.time())
    return {}


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
    *,
    name: str,
    role: Role,
    digest: str,
    weight: int | None,
    declared: int,
    objective: float,
    traffic: Traffic | None,
) -> ArmFacts:
    replicas = arm.replicas if arm else []
    return ArmFacts(
        name=name,
        role=role,
        digest=digest,
        weight=weight,
        declared=declared,
        phase=arm.phase if arm else "not running",
        ready=sum(one.ready for one in replicas),
        replicas=len(replicas),
        restarts=sum(one.restarts for one in replicas),
        reason=arm.reason if arm else "",
        objective=arm.latency if arm else objective,
        traffic=traffic,
    )
