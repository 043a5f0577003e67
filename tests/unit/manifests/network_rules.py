"""Which pod may talk to which, as NetworkPolicies say and a network that enforces them does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Rule = Mapping[str, Any]


@dataclass(frozen=True)
class Pod:
    """A pod as selectors see it."""

    namespace: str
    labels: Mapping[str, str] = field(default_factory=dict)
    namespace_labels: Mapping[str, str] = field(default_factory=dict)


def allowed(policies: Sequence[Rule], source: Pod, target: Pod, port: int) -> bool:
    """Return whether a connection is let out at its source and in at its target."""
    out = _passes(policies, source, target, port, ("Egress", "egress", "to"))
    return out and _passes(policies, target, source, port, ("Ingress", "ingress", "from"))


def _passes(
    policies: Sequence[Rule], pod: Pod, other: Pod, port: int, words: tuple[str, str, str]
) -> bool:
    direction, rules, peers = words
    selecting = [
        one["spec"]
        for one in policies
        if one["metadata"]["namespace"] == pod.namespace
        and direction in one["spec"]["policyTypes"]
        and _selects(one["spec"]["podSelector"], pod.labels)
    ]
    return not selecting or any(
        _admits(rule, rule.get(peers), pod, other, port)
        for spec in selecting
        for rule in spec.get(rules, [])
    )


def _admits(rule: Rule, peers: Sequence[Rule] | None, pod: Pod, other: Pod, port: int) -> bool:
    ports = rule.get("ports")
    if ports is not None and port not in [one["port"] for one in ports]:
        return False
    return peers is None or any(_is_peer(peer, pod, other) for peer in peers)


def _is_peer(peer: Rule, pod: Pod, other: Pod) -> bool:
    if "namespaceSelector" not in peer:
        near = other.namespace == pod.namespace
    else:
        names = {"kubernetes.io/metadata.name": other.namespace, **other.namespace_labels}
        near = _selects(peer["namespaceSelector"], names)
    return near and _selects(peer.get("podSelector", {}), other.labels)


def _selects(selector: Rule, labels: Mapping[str, str]) -> bool:
    wanted = selector.get("matchLabels", {})
    return wanted.items() <= labels.items() and all(
        labels.get(one["key"]) in one["values"] if one["operator"] == "In" else one["key"] in labels
        for one in selector.get("matchExpressions", [])
    )
