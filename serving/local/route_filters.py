"""What a route asks for beyond weights: headers, copies, a time limit; the rest is refused."""

from __future__ import annotations

import re
from typing import Any

from millrace.errors import ReleaseError
from millrace.located import Place, YamlDocument
from millrace.release.kubernetes import Route
from millrace.release.rendering import grpc_matches
from serving.local.route_headers import header_changes
from serving.local.splits import Copies, HeaderChanges, Split, Target

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_DURATION = re.compile(r"([0-9]{1,5}(h|m|s|ms)){1,4}")
"""A duration of the Gateway API (GEP-2257)."""
_RULE: Place = ("spec", "rules", 0)
_ANYTHING: tuple[Any, ...] = (
    None,
    [],
    [{}],
    [{"path": {"type": "PathPrefix", "value": "/"}}],
)
_ALL: dict[str, tuple[Any, ...]] = {
    "HTTPRoute": _ANYTHING,
    "GRPCRoute": (*_ANYTHING, grpc_matches()),
}
"""Matches, by a route's kind, that leave out nothing that a predictor answers."""


def split_of(document: YamlDocument, route: Route) -> Split:
    """Return a route's split, with all that the route asks for.

    Args:
        document: the route as it stands.
        route: the same as it was read.

    Raises:
        ReleaseError: the route asks for something that the local gateway does not do.
    """
    rule: dict[str, Any] = document.content["spec"]["rules"][0]
    if rule.get("matches") not in _ALL[route.kind]:
        raise _refused(document, (*_RULE, "matches"), "a rule that takes some requests only")
    for_all = _headers(document, (*_RULE, "filters"), rule.get("filters") or [])
    targets = []
    for index, backend in enumerate(route.backends):
        place: Place = (*_RULE, "backendRefs", index, "filters")
        own = _headers(document, place, rule["backendRefs"][index].get("filters") or [])
        request, answer = (_both(first, then) for first, then in zip(for_all, own, strict=True))
        targets.append(Target(backend.arm, backend.weight, request, answer))
    copies = []
    for mirror in route.mirrors:
        if mirror.arm == mirror.service:
            raise _refused(document, (*_RULE, "filters"), f"copies to {mirror.service}, no arm")
        if mirror.percent > 100:
            raise ReleaseError(
                "copies are no more than the requests",
                where=document.where((*_RULE, "filters")),
                found=f"{mirror.percent:g} %",
                expected="at most 100 %",
            )
        copies.append(Copies(mirror.arm, mirror.percent))
    given = {} if route.timeout is None else {"timeout": _timeout(document, route.timeout)}
    return Split(tuple(targets), tuple(copies), **given)


def _headers(
    document: YamlDocument, place: Place, filters: list[dict[str, Any]]
) -> tuple[HeaderChanges, HeaderChanges]:
    """Return the changes to the headers of requests, and of answers."""
    found = {"RequestHeaderModifier": HeaderChanges(), "ResponseHeaderModifier": HeaderChanges()}
    for index, one in enumerate(filters):
        kind = str(one.get("type"))
        if kind in found:
            key = kind[0].lower() + kind[1:]
            try:
                changes = header_changes(document, (*place, index, key), one[key])
            except (KeyError, TypeError, AttributeError) as error:
                raise ReleaseError(
                    f"the filter {kind} cannot be read",
                    where=document.where((*place, index)),
                    expected="lists `set` and `add` of name and value, a list `remove` of names",
                ) from error
            found[kind] = _both(found[kind], changes)
        elif kind != "RequestMirror":
            raise _refused(document, (*place, index), f"the filter {kind}")
    return found["RequestHeaderModifier"], found["ResponseHeaderModifier"]


def _both(first: HeaderChanges, then: HeaderChanges) -> HeaderChanges:
    return HeaderChanges(
        {**first.set, **then.set}, {**first.add, **then.add}, (*first.remove, *then.remove)
    )


def _timeout(document: YamlDocument, text: str) -> float:
    """Return a duration, such as `1m30s`, in seconds; 0 means no limit."""
    if _DURATION.fullmatch(text) is None:
        raise ReleaseError(
            "this is no duration",
            where=document.where((*_RULE, "timeouts", "request")),
            found=repr(text),
            expected="whole numbers with units of h, m, s or ms, such as 10s or 1m30s",
            remedy="mend the value",
        )
    parts = re.findall(r"([0-9]+)(ms|h|m|s)", text)
    return sum(int(number) * _UNITS[unit] for number, unit in parts)


def _refused(document: YamlDocument, place: Place, what: str) -> ReleaseError:
    return ReleaseError(
        f"the local gateway does not do this: {what}",
        where=document.where(place),
        remedy="remove it, or run this route on a cluster",
    )
