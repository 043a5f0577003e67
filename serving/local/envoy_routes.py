"""Envoy's routes: from hosts and their splits to the arms' clusters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from serving.local.envoy_config import ROUTES, Role, cluster_name
from serving.local.splits import HeaderChanges, Host, Split, Target

RETRIES = 20
"""Tries after the first: with the pauses between them some four seconds, in which a process that
has died is started again."""
_TYPES = "type.googleapis.com/envoy."
_RETRY_POLICY: dict[str, Any] = {
    "retry_on": "connect-failure,refused-stream,reset",
    "num_retries": RETRIES,
    "retry_back_off": {"base_interval": "0.025s", "max_interval": "0.5s"},
    "retry_host_predicate": [
        {
            "name": "envoy.retry_host_predicates.previous_hosts",
            "typed_config": {
                "@type": f"{_TYPES}extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
            },
        }
    ],
    "host_selection_retry_max_attempts": 3,
}
_EVERYTHING = {"prefix": "/"}


def routes(hosts: Iterable[Host]) -> dict[str, Any]:
    """Return the route configuration of all hosts, and a clear answer for any other."""
    unknown = {
        "name": "*",
        "domains": ["*"],
        "routes": [_refusal(404, "no workload answers for this host; see `millrace status`")],
    }
    return {
        "@type": f"{_TYPES}config.route.v3.RouteConfiguration",
        "name": ROUTES,
        "ignore_port_in_host_matching": True,
        "virtual_hosts": [*map(_virtual_host, hosts), unknown],
    }


def _virtual_host(host: Host) -> dict[str, Any]:
    return {
        "name": host.workload,
        "domains": list(host.names),
        "retry_policy": _RETRY_POLICY,
        "routes": [
            _route(host, host.grpc, "grpc", {**_EVERYTHING, "grpc": {}}),
            _route(host, host.http, "http", _EVERYTHING),
        ],
    }


def _route(host: Host, split: Split | None, role: Role, match: dict[str, Any]) -> dict[str, Any]:
    targets = [target for target in split.targets if target.weight] if split else []
    if split is None or not targets:
        problem = f"no arm of {host.workload} is ready; see `millrace status`"
        return {**_refusal(503, problem), "match": match}
    copies: Role = "grpc-copies" if role == "grpc" else "http-copies"
    return {
        "match": match,
        "route": {
            "timeout": f"{split.timeout:.3f}s",
            "weighted_clusters": {"clusters": [_weighted(target, role) for target in targets]},
            "request_mirror_policies": [
                {
                    "cluster": cluster_name(one.arm, copies),
                    "runtime_fraction": {"default_value": _fraction(one.percent)},
                    "disable_shadow_host_suffix_append": True,
                }
                for one in split.copies
            ],
        },
    }


def _weighted(target: Target, role: Role) -> dict[str, Any]:
    return {
        "name": cluster_name(target.arm, role),
        "weight": target.weight,
        "request_headers_to_add": _added(target.request),
        "request_headers_to_remove": list(target.request.remove),
        "response_headers_to_add": _added(target.answer),
        "response_headers_to_remove": list(target.answer.remove),
    }


def _added(changes: HeaderChanges) -> list[dict[str, Any]]:
    actions = (
        ("OVERWRITE_IF_EXISTS_OR_ADD", changes.set),
        ("APPEND_IF_EXISTS_OR_ADD", changes.add),
    )
    return [
        {
            "header": {"key": name, "value": value.replace("%", "%%")},
            "append_action": action,
            "keep_empty_value": True,
        }
        for action, headers in actions
        for name, value in headers.items()
    ]


def _fraction(percent: float) -> dict[str, Any]:
    return {"numerator": round(percent * 10_000), "denominator": "MILLION"}


def _refusal(status: int, problem: str) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "match": _EVERYTHING,
        "direct_response": {"status": status, "body": {"inline_string": problem}},
    }
    if status == 503:
        answer["response_headers_to_add"] = [{"header": {"key": "retry-after", "value": "1"}}]
    return answer
