"""What `make kind-up`, `kind-apply` and `kind-down` do."""

from __future__ import annotations

import shutil
import sys
import time

from millrace.errors import MillraceError
from tools.kind.cluster import NAME, open_cluster
from tools.kind.dependencies import load_dependencies
from tools.kind.environment import GATEWAY, settings_for, write_environment
from tools.kind.local_images import bring_images, forget_images
from tools.kind.platform import install_platform
from tools.kind.progress import step, together
from tools.kind.release import apply_releases, first_release, wait_until_it_serves
from tools.kind.shell import FOLDER
from tools.kind.stack import install_definitions, install_gateway, install_kserve

WORKLOAD = "churn"


def up() -> None:
    """Make the cluster, the platform and a first release; what is there already is left."""
    began = time.monotonic()
    cluster = open_cluster()
    dependencies = load_dependencies(cluster.shell.environment)
    with step(f"cluster {NAME}"):
        cluster.up()
    install_definitions(cluster, dependencies)
    tags: dict[str, str] = {}
    together(
        lambda: install_gateway(cluster, dependencies),
        lambda: install_kserve(cluster, dependencies),
        lambda: tags.update(bring_images(cluster)),
    )
    install_platform(cluster, tags)
    settings = settings_for(cluster)
    file = write_environment(settings, cluster.shell.environment.get("KUBECONFIG", ""))
    first_release(WORKLOAD, settings)
    apply_releases(cluster, settings, only=WORKLOAD)
    wait_until_it_serves(cluster, WORKLOAD, settings)
    port = GATEWAY.rpartition(":")[2]
    sys.stdout.write(
        f"\n{WORKLOAD} serves after {time.monotonic() - began:.0f} s.\n\n"
        f"  curl http://{WORKLOAD}.millrace.localhost:{port}/v2/models/{WORKLOAD}/infer \\\n"
        '    -d \'{"inputs": [{"name": "customerID", "datatype": "BYTES", "shape": [1],'
        ' "data": ["7590-VHVEG"]}]}\'\n\n'
        f"To let `millrace` work with this cluster: source {file}\n"
        "After a merge: make kind-apply    The end: make kind-down\n"
    )


def apply() -> None:
    """Apply what the deploy repository's main branch says."""
    cluster = open_cluster()
    if not cluster.has("namespace", "millrace"):
        raise MillraceError("no platform is there", where=f"kind-{NAME}", remedy="make kind-up")
    names = apply_releases(cluster, settings_for(cluster))
    sys.stdout.write(f"applied: {', '.join(names) or 'nothing is released'}\n")


def down() -> None:
    """Remove the cluster and what this machine kept of it."""
    cluster = open_cluster()
    cluster.down()
    forget_images(cluster)
    shutil.rmtree(FOLDER, ignore_errors=True)
    sys.stdout.write(f"cluster {NAME} is gone, and what this machine kept of it\n")
