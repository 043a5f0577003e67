"""What a route asks for beyond weights: headers, copies, a time limit; the rest is refused."""

from __future__ import annotations

import re
from typing import Any

from millrace.errors import ReleaseError
from millrace.located import Place, YamlDocument
from millrace.release.kubernetes import Route
from serving.local.splits import Copies, HeaderChanges, Split, Target

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_RULE: Place = ("spec", "rules", 0)
_ANYTHING: tuple[Any, ...] = (
    None,
    [],
    [{}],
    [{"path": {"type": "PathPrefix", "value": "/"}}],
)


def split_of(document: YamlDocument, route: Route) -> Split:
    """Return a route's split, with all that the route asks for.

    Args:
        document: the route as it stands.
        route: the same as it was read.

    Raises:
        ReleaseError: the route asks for something that the local gateway does not do.
    """
    rule: dict[str, Any] = document.content["spec"]["rules"][0]
    if rule.get("matches") not in _ANYTHING:
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
        copies.append(Copies(mirror.arm, mirror.percent))
    given = {"timeout": _seconds(route.timeout)} if route.timeout else {}
    return Split(tuple(targets), tuple(copies), **given)


def _headers(
    document: YamlDocument, place: Place, filters: list[dict[str, Any]]
) -> tuple[HeaderChanges, HeaderChanges]:
    """Return the changes to the headers of requests, and of answers."""
    found = {"RequestHeaderModifier": HeaderChanges(), "ResponseHeaderModifier": HeaderChanges()}
    for index, one in enumerate(filters):
        kind = str(one.get("type"))
        if kind in found:
            try:
                changes = _changes(one[kind[0].lower() + kind[1:]])
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


def _changes(modifier: dict[str, Any]) -> HeaderChanges:
    def pairs(key: str) -> dict[str, str]:
        return {str(one["name"]): str(one["value"]) for one in modifier.get(key) or []}

    return HeaderChanges(pairs("set"), pairs("add"), tuple(map(str, modifier.get("remove") or [])))


def _both(first: HeaderChanges, then: HeaderChanges) -> HeaderChanges:
    return HeaderChanges(
        {**first.set, **then.set}, {**first.add, **then.add}, (*first.remove, *then.remove)
    )


def _seconds(text: str) -> float:
    """Return a duration of the Gateway API, such as `1m30s`, in seconds; 0 means no limit."""
    parts = re.findall(r"(\d+)(ms|h|m|s)", text)
    return sum(int(number) * _UNITS[unit] for number, unit in parts)


def _refused(document: YamlDocument, place: Place, what: str) -> ReleaseError:
    return ReleaseError(
        f"the local gateway does not do this: {what}",
        where=document.where(place),
        remedy="remove it, or run this route on a cluster",
    )
