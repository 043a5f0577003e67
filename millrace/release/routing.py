"""Edits of the routes and the kustomization of a release folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from millrace.located import Place
from millrace.release.edits import append_item, remove_item, set_values
from millrace.release.layout import ARMS
from millrace.release.rendering import PORTS, SERVICE_SUFFIX, backend

_BACKENDS: Place = ("spec", "rules", 0, "backendRefs")
_RESOURCES: Place = ("resources",)


def with_weights(content: bytes, weights: Mapping[str, int]) -> bytes:
    """Return the routes with other weights; every arm of them is among the backends."""
    edits = {
        (number, (*_BACKENDS, index, "weight")): weights[arm]
        for number, _ in _routes(content)
        for index, arm in enumerate(_arms(content, number))
    }
    return set_values(content, edits)


def with_backend(content: bytes, arm: str) -> bytes:
    """Return the routes with an arm more, at weight 0."""
    for number, kind in list(_routes(content)):
        content = append_item(content, number, _BACKENDS, backend(arm, kind, 0))
    return content


def without_backend(content: bytes, arm: str) -> bytes:
    """Return the routes without an arm."""
    for number, _ in list(_routes(content)):
        content = remove_item(content, number, _BACKENDS, _arms(content, number).index(arm))
    return content


def with_resource(content: bytes, arm: str) -> bytes:
    """Return the kustomization with an arm more: it and the other arms stand before the route."""
    return append_item(content, 0, _RESOURCES, f"{ARMS}/{arm}.yaml")


def without_resource(content: bytes, arm: str) -> bytes:
    """Return the kustomization without an arm."""
    resources = _documents(content)[0]["resources"]
    return remove_item(content, 0, _RESOURCES, resources.index(f"{ARMS}/{arm}.yaml"))


def _routes(content: bytes) -> Iterator[tuple[int, str]]:
    for number, document in enumerate(_documents(content)):
        if document["kind"] in PORTS:
            yield number, document["kind"]


def _arms(content: bytes, number: int) -> list[str]:
    rule = _documents(content)[number]["spec"]["rules"][0]
    return [one["name"].removesuffix(SERVICE_SUFFIX) for one in rule["backendRefs"]]


def _documents(content: bytes) -> list[Any]:
    return [value for value in yaml.safe_load_all(content) if value is not None]
