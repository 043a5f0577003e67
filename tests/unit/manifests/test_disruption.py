"""Drains of nodes and the pods of arms."""

import pytest
from overlays import ARMS, of_kind


@pytest.mark.parametrize("name", ["kind", "production"])
def test_a_pod_that_crashes_does_not_keep_its_node_from_being_drained(name: str) -> None:
    budget = of_kind(name, "PodDisruptionBudget")[0]
    assert budget["metadata"]["namespace"] == ARMS
    assert budget["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    assert budget["spec"]["maxUnavailable"] == 1, "two pods of one arm may be drained at once"
