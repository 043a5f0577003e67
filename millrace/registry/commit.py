"""The Git commit of a workload's code."""

from __future__ import annotations

import os
import subprocess

from millrace.workload.load import Workload


def commit_of(workload: Workload) -> str | None:
    """Return the Git commit of the workload's code, or None if it cannot be known.

    An image has no repository: there, MILLRACE_COMMIT says which commit it was built from.
    """
    if os.environ.get("MILLRACE_COMMIT"):
        return os.environ["MILLRACE_COMMIT"]
    command = ["git", "-C", str(workload.folder), "rev-parse", "HEAD"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()
