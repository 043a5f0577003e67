"""A changed size of a volume ends in one line that helps, not in Kubernetes' refusal."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helm_chart import rendered
from overlays import CHART
from stand_in_api import api_with


def holding(name: str, claim: str, size: str) -> dict[str, Any]:
    """Return a StatefulSet with a volume of a size, as the API shows it."""
    spec = {"resources": {"requests": {"storage": size}}}
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": name, "namespace": "millrace"},
        "spec": {"volumeClaimTemplates": [{"metadata": {"name": claim}, "spec": spec}]},
    }


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[list[str]]:
    """Lend the words by which Helm sees an installation with volumes of 1Gi."""
    there = {
        "millrace-events": holding("millrace-events", "events", "1Gi"),
        "millrace-redis": holding("millrace-redis", "data", "1Gi"),
    }
    with api_with(there, tmp_path) as kubeconfig:
        values = str(CHART / "values-kind.yaml")
        yield ["--dry-run=server", "--kubeconfig", str(kubeconfig), "--values", values]


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("events.storage=2Gi", "events.storage: found 2Gi, but events-millrace-events-0 has 1Gi"),
        ("bundled.storage=512Mi", "bundled.storage: found 512Mi, but data-millrace-redis-0 has"),
        ("events.storageClass=fast", "events.storageClass: found 'fast', but events-millrace-ev"),
    ],
)
def test_an_upgrade_that_changes_a_volume_says_what_to_do_instead(
    installed: list[str], setting: str, told: str
) -> None:
    done = rendered(*installed, "--set", setting)
    assert done.returncode != 0
    assert told in done.stderr


def test_a_larger_volume_comes_with_the_commands_that_grow_it(installed: list[str]) -> None:
    done = rendered(*installed, "--set", "events.storage=2Gi")
    assert "kubectl edit persistentvolumeclaim events-millrace-events-0" in done.stderr
    assert "kubectl delete statefulset millrace-events" in done.stderr


@pytest.mark.parametrize("size", ["1Gi", "1024Mi"])
def test_the_same_size_is_let_through_however_it_is_written(
    installed: list[str], size: str
) -> None:
    done = rendered(*installed, "--set", f"events.storage={size},bundled.storage={size}")
    assert done.returncode == 0, done.stderr
