"""Tools that group objects by Kubernetes' recommended labels find the platform's."""

import pytest
from overlays import overlay

PREFIX = "app.kubernetes.io/"


@pytest.mark.parametrize("name", ["kind", "production"])
def test_every_object_names_its_installation(name: str) -> None:
    for one in overlay(name):
        labels = one["metadata"]["labels"]
        assert labels[f"{PREFIX}part-of"] == "millrace"
        if one["kind"] != "Namespace":
            assert labels[f"{PREFIX}instance"] == "millrace", one["metadata"]["name"]


@pytest.mark.parametrize("name", ["kind", "production"])
def test_an_upgrade_to_another_version_selects_the_same_pods(name: str) -> None:
    workloads = [one for one in overlay(name) if one["kind"] in ("Deployment", "StatefulSet")]
    selected = [one["spec"]["selector"]["matchLabels"] for one in workloads]
    assert all(set(labels) == {f"{PREFIX}name"} for labels in selected)
