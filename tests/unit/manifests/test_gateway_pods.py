"""Where the gateway's pods run."""

from typing import Any

from overlays import of_kind


def deployment(name: str) -> dict[str, Any]:
    """Return what an overlay says of the Deployment of Envoys."""
    spec = of_kind(name, "EnvoyProxy")[0]["spec"]
    told: dict[str, Any] = spec["provider"]["kubernetes"]["envoyDeployment"]
    return told


def test_several_envoys_do_not_stand_and_fall_with_one_node_or_zone() -> None:
    told = deployment("production")
    assert told["replicas"] > 1
    constraints = told["pod"]["topologySpreadConstraints"]
    keys = [one["topologyKey"] for one in constraints]
    assert keys == ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]
    service = next(
        one for one in of_kind("production", "Service") if "gateway" in one["metadata"]["name"]
    )
    assert all(
        one["labelSelector"]["matchLabels"] == service["spec"]["selector"] for one in constraints
    )


def test_envoys_start_where_there_is_one_node_only() -> None:
    constraints = deployment("production")["pod"]["topologySpreadConstraints"]
    assert {one["whenUnsatisfiable"] for one in constraints} == {"ScheduleAnyway"}
    assert "pod" not in deployment("kind")
