"""What the chart refuses before anything changes, beside wrong values; Helm itself tells."""

import os
import shutil
import subprocess

import pytest
from overlays import CHART, PLATFORM


@pytest.fixture(autouse=True)
def helm() -> None:
    """Want Helm, without which nothing can be shown."""
    if shutil.which("helm") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("helm is not installed")
        pytest.skip("helm is not installed")


def rendered(*words: str, namespace: str = PLATFORM) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *("helm", "template", "millrace", str(CHART), "--namespace", namespace),
            *("--kube-version", "v1.35.0", *words),
        ],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_namespace_that_routes_do_not_name_is_refused() -> None:
    done = rendered(namespace="mlops")
    assert done.returncode != 0
    assert "--namespace: found mlops, expected millrace" in done.stderr


def test_pods_that_scrape_are_taken_to_run_beside_the_platform_unless_it_is_said() -> None:
    done = rendered("--show-only", "templates/network.yaml")
    assert done.returncode == 0, done.stderr
    assert "kubernetes.io/metadata.name: ''" not in done.stdout
    assert '"kubernetes.io/metadata.name":"millrace"' in done.stdout
