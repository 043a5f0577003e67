"""Envoy's configuration as plain values: the fixed part, and a file for each part that changes.

An arm is two clusters, `ARM/http` and `ARM/grpc`, and as many again for copies, whose counters
must not be taken for the arm's. Envoy counts requests, answers and times by these names.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from millrace.digests import digest_of_bytes
from serving.local.splits import Endpoint

Role = Literal["http", "grpc", "http-copies", "grpc-copies"]
ROLES: tuple[Role, ...] = ("http", "grpc", "http-copies", "grpc-copies")
ROUTES = "routes"
LISTENER = "gateway"
MOST_CONNECTIONS = 10_000
RETRYING = 100
"""Requests of an arm that may wait for another try at once; beyond, a fifth of those under way."""
KEEP_ALIVE = 60.0
"""Seconds after which an idle connection to a predictor is closed: sooner than predictors do it,
whose closing would meet a request that was just sent."""

COUNTS = "arms"
"""Begins the name of the statistic in which Envoy counts requests by outcome."""
COUNTED = {
    "cluster": "%UPSTREAM_CLUSTER_RAW%",
    "code": "%RESPONSE_CODE%",
    "grpc": "%GRPC_STATUS_NUMBER%",
    "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
    "flags": "%RESPONSE_FLAGS%",
}
"""What tells one outcome from another."""

_TYPES = "type.googleapis.com/envoy."


def bootstrap(folder: Path, admin: Path, port: int) -> dict[str, Any]:
    """Return the part of the configuration that stands as long as Envoy runs.

    Args:
        folder: where the files of clusters, endpoints and routes lie; absolute.
        admin: Unix socket of the admin interface.
        port: where the gateway listens on loopback.
    """
    return {
        "node": {"id": "millrace", "cluster": "millrace"},
        "admin": {"address": {"pipe": {"path": str(admin), "mode": 0o600}}},
        "stats_flush_interval": "0.5s",  # how late histograms are behind counters
        "dynamic_resources": {"cds_config": _file(folder / "cds.json")},
        "static_resources": {"listeners": [_listener(folder, port)]},
        "overload_manager": {
            "resource_monitors": [
                {
                    "name": "envoy.resource_monitors.global_downstream_max_connections",
                    "typed_config": _typed(
                        "extensions.resource_monitors.downstream_connections.v3"
                        ".DownstreamConnectionsConfig",
                        max_active_downstream_connections=MOST_CONNECTIONS,
                    ),
                }
            ]
        },
    }


def resources(found: Sequence[dict[str, Any]]) -> tuple[str, bytes]:
    """Return the version and the content of a file of resources."""
    version = digest_of_bytes(json.dumps(found, sort_keys=True).encode())[:16]
    return version, json.dumps({"version_info": version, "resources": found}, indent=1).encode()


def cluster_name(arm: str, role: Role) -> str:
    """Return the name of one of an arm's clusters."""
    return f"{arm}/{role}"


def endpoints_file(folder: Path, arm: str, role: Role) -> Path:
    """Return the file that holds the endpoints of one cluster."""
    return folder / f"eds-{arm}-{role}.json"


def cluster(arm: str, role: Role, folder: Path) -> dict[str, Any]:
    """Return one of an arm's clusters: how to reach it, not where."""
    grpc = role.startswith("grpc")
    protocol: dict[str, Any] = (
        {"http2_protocol_options": {}} if grpc else {"http_protocol_options": {}}
    )
    return _typed(
        "config.cluster.v3.Cluster",
        name=cluster_name(arm, role),
        type="EDS",
        connect_timeout="1s",
        eds_cluster_config={"eds_config": _file(endpoints_file(folder, arm, role))},
        ignore_health_on_host_removal=True,
        circuit_breakers={
            "thresholds": [
                {
                    "max_connections": MOST_CONNECTIONS,
                    "max_pending_requests": MOST_CONNECTIONS,
                    "max_requests": MOST_CONNECTIONS,
                    "retry_budget": {
                        "budget_percent": {"value": 20},
                        "min_retry_concurrency": RETRYING,
                    },
                }
            ]
        },
        health_checks=[
            {
                "timeout": "2s",
                "interval": "1s",
                "no_traffic_interval": "1s",
                "unhealthy_threshold": 3,
                "healthy_threshold": 1,
                "http_health_check": {"path": "/v2/health/ready", "codec_client_type": "HTTP1"},
            }
        ],
        typed_extension_protocol_options={
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": _typed(
                "extensions.upstreams.http.v3.HttpProtocolOptions",
                common_http_protocol_options={"idle_timeout": f"{KEEP_ALIVE}s"},
                explicit_http_config=protocol,
            )
        },
    )


def endpoints(arm: str, role: Role, found: Sequence[Endpoint]) -> dict[str, Any]:
    """Return where the replicas of one of an arm's clusters are."""
    return _typed(
        "config.endpoint.v3.ClusterLoadAssignment",
        cluster_name=cluster_name(arm, role),
        endpoints=[{"lb_endpoints": [{"endpoint": _endpoint(role, one)} for one in found]}],
    )


def _endpoint(role: Role, found: Endpoint) -> dict[str, Any]:
    if role.startswith("grpc"):
        return {
            "address": _address(found.grpc_port),
            "health_check_config": {"port_value": found.http_port},
        }
    return {"address": _address(found.http_port)}


def _listener(folder: Path, port: int) -> dict[str, Any]:
    manager = _typed(
        "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix=LISTENER,
        codec_type="AUTO",
        generate_request_id=False,  # the client's or the predictor's is the one
        preserve_external_request_id=True,
        rds={"route_config_name": ROUTES, "config_source": _file(folder / "rds.json")},
        access_log=[{"name": "counts", "typed_config": _counts()}],
        local_reply_config={"body_format": {"json_format": {"error": "%LOCAL_REPLY_BODY%"}}},
        http_filters=[
            {
                "name": "router",
                "typed_config": _typed(
                    "extensions.filters.http.router.v3.Router", suppress_envoy_headers=True
                ),
            },
        ],
    )
    return {
        "name": LISTENER,
        "address": _address(port),
        "enable_reuse_port": False,  # a second gateway on this port must fail, not share it
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }


def _counts() -> dict[str, Any]:
    """Return the one statistic that the platform reads: requests by outcome, and their times."""
    tags = [{"name": name, "value_format": value} for name, value in COUNTED.items()]
    return _typed(
        "extensions.access_loggers.stats.v3.Config",
        stat_prefix=COUNTS,
        histograms=[
            {
                "stat": {"name": "request", "tags": tags},
                "unit": "Milliseconds",
                "value_format": "%DURATION%",
            }
        ],
    )


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _file(path: Path) -> dict[str, Any]:
    return {"path_config_source": {"path": str(path)}, "resource_api_version": "V3"}


def _typed(kind: str, **fields: Any) -> dict[str, Any]:
    return {"@type": f"{_TYPES}{kind}", **fields}
