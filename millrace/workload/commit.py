"""The Git commit that a workload's code is at."""

from __future__ import annotations

import os
import subprocess

from millrace.workload.load import Workload

COMMIT = "MILLRACE_COMMIT"
"""Environment variable: the commit that an image was built from, which holds no repository."""


def commit_of(workload: Workload) -> str | None:
    """Return the Git commit of the workload's folder; None if it cannot be known."""
    if os.environ.get(COMMIT):
        return os.environ[COMMIT]
    command = ["git", "-C", str(workload.folder), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
