"""The chart as Helm renders it with other values than those of the overlays."""

import os
import shutil
import subprocess

import pytest
from overlays import CHART, PLATFORM


def rendered(*words: str, namespace: str = PLATFORM) -> subprocess.CompletedProcess[str]:
    """Return what `helm template` says; without Helm, nothing can be shown."""
    if shutil.which("helm") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("helm is not installed")
        pytest.skip("helm is not installed")
    return subprocess.run(
        [
            *("helm", "template", "millrace", str(CHART), "--namespace", namespace),
            *("--kube-version", "v1.35.0", *words),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
