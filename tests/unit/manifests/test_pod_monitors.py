"""The Prometheus operator scrapes the same pods as the bundled Prometheus."""

import json
from typing import Any

from overlays import of_kind, values


def monitors() -> dict[str, Any]:
    """Return the PodMonitors of production by their name."""
    return {one["metadata"]["name"]: one for one in of_kind("production", "PodMonitor")}


def test_a_prometheus_that_selects_by_labels_finds_every_monitor() -> None:
    labels = values("production")["monitoring"]["podMonitorLabels"]
    assert labels
    found = [one["metadata"]["labels"] for one in monitors().values()]
    assert len(found) == 3
    assert all(labels.items() <= one.items() for one in found)


def test_an_arm_that_a_team_wrote_itself_is_scraped_as_well() -> None:
    """Such an InferenceService has no label of Millrace's own."""
    selector = monitors()["millrace-arms"]["spec"]["selector"]
    assert selector == {
        "matchExpressions": [{"key": "serving.kserve.io/inferenceservice", "operator": "Exists"}]
    }
    bundled = {one["metadata"]["name"]: one for one in of_kind("kind", "StatefulSet")}
    discovery = bundled["millrace-prometheus"]["spec"]["template"]["spec"]["containers"][1]
    jobs = {job["name"]: job for job in json.loads(discovery["args"][0])}
    assert jobs["arms"]["selector"] == selector["matchExpressions"][0]["key"]
