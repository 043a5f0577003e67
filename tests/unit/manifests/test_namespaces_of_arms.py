"""Namespaces of arms hold what serves."""

import pytest
from overlays import ARMS, of_kind


@pytest.mark.parametrize(("name", "policy"), [("kind", None), ("production", "keep")])
def test_helm_deletes_a_namespace_on_one_machine_only(name: str, policy: str | None) -> None:
    """Where a wrong value or an uninstall would end a team's predictors, Helm leaves it alone."""
    found = {one["metadata"]["name"]: one["metadata"] for one in of_kind(name, "Namespace")}
    annotations = found[ARMS].get("annotations", {})
    assert annotations.get("helm.sh/resource-policy") == policy
    assert found[ARMS]["labels"]["millrace.dev/arms"] == "true"
