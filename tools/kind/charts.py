"""Charts on the cluster, after a Helm that was killed too."""

from __future__ import annotations

import json

from millrace.errors import MillraceError
from tools.kind.cluster import Cluster

_TOOK = ("--wait", "--timeout", "5m")
_UNDONE = {
    "pending-install": ("uninstall", *_TOOK),
    "uninstalling": ("uninstall", *_TOOK),
    "pending-upgrade": ("rollback",),
    "pending-rollback": ("rollback",),
}
"""What frees a release from an operation that nobody ends any more, by the release's status."""


def install_chart(cluster: Cluster, release: str, namespace: str, *words: str) -> None:
    """Install a chart, or bring it up to date.

    Args:
        cluster: where.
        release: its name.
        namespace: the namespace that it is installed into.
        words: the chart, and further words for `helm upgrade`.

    Raises:
        MillraceError: Helm failed.
    """
    if undo := _UNDONE.get(_status(cluster, release, namespace)):
        cluster.helm(undo[0], release, "--namespace", namespace, *undo[1:])
    cluster.helm("upgrade", "--install", release, *words, "--namespace", namespace)


def _status(cluster: Cluster, release: str, namespace: str) -> str:
    """Return a release's status, as Helm calls it; nothing, if there is none."""
    try:
        told = cluster.helm(
            *("status", release, "--namespace", namespace, "--output", "json"), quiet=True
        )
    except MillraceError:
        return ""
    return str(json.loads(told)["info"]["status"])
