"""What the platform stands on: versions and places, as helm/millrace/values-kind.yaml tells them.

An environment variable stands for a place: where no registry is reached, it names a folder.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CHART = Path("helm/millrace")
VALUES = CHART / "values-kind.yaml"


@dataclass(frozen=True)
class Chart:
    """A Helm chart: a folder, or an address with a version."""

    place: str
    version: str

    @property
    def words(self) -> list[str]:
        """Return it as `helm install` takes it."""
        return (
            [self.place] if Path(self.place).is_dir() else [self.place, "--version", self.version]
        )


@dataclass(frozen=True)
class Dependencies:
    """What is installed before the platform."""

    node_image: str
    gateway_api: str
    envoy_gateway: Chart
    envoy_gateway_crds: str
    cert_manager: Chart
    kserve: Chart
    kserve_crds: str


def load_dependencies(environment: Mapping[str, str] = os.environ) -> Dependencies:
    """Return the versions of the file, with the places that the environment names."""
    told: dict[str, Any] = yaml.safe_load(VALUES.read_text(encoding="utf-8"))["dependencies"]

    def place(variable: str, section: str, key: str) -> str:
        return environment.get(variable) or str(told[section][key])

    def chart(variable: str, section: str) -> Chart:
        return Chart(place(variable, section, "chart"), str(told[section]["version"]))

    return Dependencies(
        node_image=str(told["kubernetes"]["image"]),
        gateway_api=place("GATEWAY_API_CRDS", "gatewayApi", "manifests"),
        envoy_gateway=chart("ENVOY_GATEWAY_CHART", "envoyGateway"),
        envoy_gateway_crds=place("ENVOY_GATEWAY_CRDS", "envoyGateway", "crds"),
        cert_manager=chart("CERT_MANAGER_CHART", "certManager"),
        kserve=chart("KSERVE_CHART", "kserve"),
        kserve_crds=place("KSERVE_CRDS", "kserve", "crds"),
    )
