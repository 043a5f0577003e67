"""What Envoy says of a configuration, without running it."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from serving.local import envoy_config, envoy_routes
from serving.local.gateway import envoy_binary
from serving.local.splits import Endpoint, Host


def static(
    folder: Path, hosts: Sequence[Host], arms: Mapping[str, tuple[Endpoint, ...]]
) -> dict[str, Any]:
    """Return a bootstrap in which all that Envoy would read from files stands in place."""
    start = envoy_config.bootstrap(folder, folder / "admin.sock", 21000)
    start.pop("dynamic_resources")
    clusters = []
    for arm, endpoints in arms.items():
        for role in envoy_config.ROLES:
            cluster = envoy_config.cluster(arm, role, folder)
            del cluster["@type"], cluster["eds_cluster_config"]
            found = envoy_config.endpoints(arm, role, endpoints)
            del found["@type"]
            clusters.append({**cluster, "type": "STATIC", "load_assignment": found})
    start["static_resources"]["clusters"] = clusters
    http = start["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]
    routes = envoy_routes.routes(hosts)
    del routes["@type"], http["typed_config"]["rds"]
    http["typed_config"]["route_config"] = {**routes, "validate_clusters": True}
    return start


def refusal(folder: Path, bootstrap: Mapping[str, Any]) -> str:
    """Return what Envoy has against a bootstrap; empty if it accepts it."""
    file = folder / "envoy.json"
    file.write_text(json.dumps(bootstrap))
    done = subprocess.run(
        [str(envoy_binary()), "--mode", "validate", "-c", str(file), "--disable-hot-restart"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr if done.returncode else ""
