"""What `kubectl apply --kustomize` makes of an overlay: the files that kustomizations name."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
CHART = ROOT / "helm/millrace"
PLATFORM, ARMS, GATEWAYS = "millrace", "models", "envoy-gateway-system"


def overlay(name: str) -> list[dict[str, Any]]:
    """Return all objects of an overlay."""
    return list(_objects(ROOT / "manifests/overlays" / name))


def of_kind(name: str, kind: str) -> list[dict[str, Any]]:
    """Return an overlay's objects of a kind."""
    return [one for one in overlay(name) if one["kind"] == kind]


def values(name: str) -> dict[str, Any]:
    """Return what the values file of an overlay says."""
    told: dict[str, Any] = yaml.safe_load((CHART / f"values-{name}.yaml").read_text())
    return told


def _objects(folder: Path) -> Iterator[dict[str, Any]]:
    for resource in yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]:
        place = folder / resource
        if place.is_dir():
            yield from _objects(place)
        else:
            yield from yaml.safe_load_all(place.read_text())
