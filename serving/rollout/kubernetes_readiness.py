"""Whether an arm of a cluster may be given weight, from its InferenceService and its pods."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import structlog

from millrace.errors import MillraceError
from serving.rollout.kubernetes_api import ARM_LABEL, Object

_LOG = structlog.get_logger("rollout")
FRESH = 0.9
"""Seconds for which what was listed answers for all arms: about one round."""


class Lists(Protocol):
    """What `KubernetesApi` does."""

    def services(self, namespace: str) -> Sequence[Object]:
        """Return the InferenceServices of a namespace."""
        ...

    def pods(self, namespace: str) -> Sequence[Object]:
        """Return the pods of all arms in a namespace."""
        ...


@dataclass
class _Found:
    """What was listed: InferenceServices with their pods, by name; by namespace, what failed."""

    arms: dict[str, list[tuple[Object, list[Object]]]] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


class KubernetesReadiness:
    """The arms in some namespaces; a Readiness. An API that does not answer knows no arm."""

    def __init__(
        self,
        api: Lists,
        namespaces: Sequence[str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api = api
        self._namespaces = namespaces
        self._clock = clock
        self._found, self._listed = _Found(), -FRESH
        self._told: Mapping[str, str] = {}

    def ready(self, arm: str, digest: str) -> bool:
        """Return whether all of an arm is ready with this bundle; what is unknown is not ready."""
        now = self._clock()
        if now - self._listed >= FRESH:
            self._found, self._listed = self._list(), now
        known = self._found.arms.get(arm, [])
        return bool(known) and all(not unready(*one, digest) for one in known)

    def _list(self) -> _Found:
        found = _Found()
        for namespace in self._namespaces:
            try:
                services = self._api.services(namespace)
                pods = self._api.pods(namespace)
            except MillraceError as error:
                found.problems[namespace] = str(error)
                continue
            for service in services:
                name = _metadata(service).get("name")
                own = [one for one in pods if _labels(one).get(ARM_LABEL) == name]
                found.arms.setdefault(str(name), []).append((service, own))
        for namespace, problem in found.problems.items():
            if namespace not in self._told:
                _LOG.warning("readiness_failed", namespace=namespace, reason=problem)
        self._told = found.problems
        return found


def unready(service: Object, pods: Sequence[Object], digest: str) -> str:
    """Return why an arm is not ready with a bundle; empty if it is.

    A predictor does not start with another bundle than its arguments name, so a pod that is ready
    and has this argument serves it. Pods that ended are nothing. Those that are about to may still
    answer, so they must be of the bundle, too; but they are none of those that are asked for.

    Args:
        service: the arm's InferenceService.
        pods: its pods, of whatever age.
        digest: digest of the bundle.
    """
    if "deletionTimestamp" in _metadata(service):
        return "its InferenceService is being deleted"
    living = [one for one in pods if _status(one).get("phase") not in ("Succeeded", "Failed")]
    for pod in living:
        if f"--digest={digest}" not in set(_arguments(pod)):
            return f"the pod {_metadata(pod).get('name')} has another bundle"
    staying = [one for one in living if "deletionTimestamp" not in _metadata(one)]
    for pod in staying:
        if not _is_ready(pod):
            return f"the pod {_metadata(pod).get('name')} is not ready"
    least = _least(service)
    return "" if len(staying) >= least else f"{len(staying)} of {least} pods are there"


def _least(service: Object) -> int:
    """Return how many pods are asked for at least; an arm that gets traffic needs one."""
    given = _at(service, "spec", "predictor").get("minReplicas")
    return max(given if isinstance(given, int) else 1, 1)


def _is_ready(pod: Object) -> bool:
    conditions = _status(pod).get("conditions") or ()
    return any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)


def _arguments(pod: Object) -> Iterator[str]:
    for container in _at(pod, "spec").get("containers") or ():
        yield from container.get("command") or ()
        yield from container.get("args") or ()


def _at(one: Object, *path: str) -> Mapping[str, Any]:
    """Return what an object holds in some place; nothing if there is nothing."""
    for name in path:
        one = one.get(name) or {}
    return one


def _metadata(one: Object) -> Mapping[str, Any]:
    return _at(one, "metadata")


def _labels(one: Object) -> Mapping[str, Any]:
    return _at(one, "metadata", "labels")


def _status(one: Object) -> Mapping[str, Any]:
    return _at(one, "status")
