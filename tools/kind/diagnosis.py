"""Why pods do not get ready, in the cluster's own words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from millrace.errors import MillraceError
from tools.kind.cluster import Cluster

_ON_THE_WAY = ("ContainerCreating", "PodInitializing")
_LONGEST = 300


@contextmanager
def telling_why(cluster: Cluster, namespace: str, named: str = "") -> Iterator[None]:
    """Tell with a wait that fails what keeps pods from being ready; the log gets all there is.

    Args:
        cluster: where.
        namespace: of the pods.
        named: how the names of those begin that are waited for.
    """
    try:
        yield
    except MillraceError as error:
        raise MillraceError(
            error.problem,
            where=error.where,
            found=_look(cluster, namespace, named) or error.found,
            expected=error.expected,
            remedy=error.remedy,
        ) from error


def _look(cluster: Cluster, namespace: str, named: str) -> str:
    """Write pods, events and last words into the log, and return the reason."""

    def get(*words: str, quiet: bool = False) -> str:
        return cluster.kubectl("get", *words, "--namespace", namespace, timeout=30.0, quiet=quiet)

    try:
        pods = json.loads(get("pods", "--output", "json", quiet=True))["items"]
        events = json.loads(get("events", "--output", "json", quiet=True))["items"]
        get("events", "--sort-by=.lastTimestamp")
        for name in unready(pods, named):
            with suppress(MillraceError):  # it may not have begun
                cluster.kubectl(
                    *("logs", name, "--namespace", namespace, "--all-containers", "--tail=20")
                )
        get("pods", "--output", "wide")
    except MillraceError:  # a cluster that does not answer is a fault that is told already
        return ""
    return reason(pods, events, named)


def unready(pods: Sequence[Mapping[str, Any]], named: str = "") -> dict[str, Mapping[str, Any]]:
    """Return the status of pods that are not ready, by their names."""
    return {
        pod["metadata"]["name"]: pod["status"]
        for pod in pods
        if pod["metadata"]["name"].startswith(named)
        and pod["status"].get("phase") != "Succeeded"
        and not any(
            one["type"] == "Ready" and one["status"] == "True"
            for one in pod["status"].get("conditions", [])
        )
    }


def reason(
    pods: Sequence[Mapping[str, Any]], events: Sequence[Mapping[str, Any]], named: str = ""
) -> str:
    """Return what keeps one of some pods from being ready; nothing, if nobody says so."""
    for name, status in unready(pods, named).items():
        if told := _unscheduled(status) or _stuck(status):
            return f"pod {name}: {told[:_LONGEST]}"
    warnings = [
        event
        for event in events
        if event.get("type") == "Warning" and event["involvedObject"]["name"].startswith(named)
    ]
    if not warnings:
        return ""
    last = max(warnings, key=_when)
    about = last["involvedObject"]
    return f"{about['kind'].lower()} {about['name']}: {_words(last)[:_LONGEST]}"


def _unscheduled(status: Mapping[str, Any]) -> str:
    """Return why no node takes a pod."""
    for one in status.get("conditions", []):
        if one["type"] == "PodScheduled" and one["status"] == "False":
            return _words(one)
    return ""


def _stuck(status: Mapping[str, Any]) -> str:
    """Return why a container does not run."""
    containers = (*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ()))
    for one in containers:
        state = one.get("state", {})
        ended = state.get("terminated") or one.get("lastState", {}).get("terminated")
        if ended and ended["exitCode"]:
            return f"{one['name']} ended with {ended['exitCode']}, {_words(ended)}"
        waiting = state.get("waiting")
        if waiting and waiting["reason"] not in _ON_THE_WAY:
            return _words(waiting)
    return ""


def _when(event: Mapping[str, Any]) -> str:
    return event.get("lastTimestamp") or event.get("eventTime") or ""


def _words(told: Mapping[str, Any]) -> str:
    said = (told.get("reason", ""), told.get("message", ""))
    return ": ".join(" ".join(one.split()) for one in said if one)
