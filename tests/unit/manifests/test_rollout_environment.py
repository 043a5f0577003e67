"""What the rollout controller finds in its pod."""

from typing import Any

import pytest
from overlays import of_kind


def pod(name: str) -> dict[str, Any]:
    """Return the specification of the controller's pod."""
    found = {one["metadata"]["name"]: one for one in of_kind(name, "Deployment")}
    told: dict[str, Any] = found["millrace-rollout"]["spec"]["template"]["spec"]
    return told


@pytest.mark.parametrize("name", ["kind", "production"])
def test_services_beside_it_do_not_become_its_settings(name: str) -> None:
    """A Service millrace-rollout would be MILLRACE_ROLLOUT_PORT=tcp://… otherwise."""
    assert pod(name)["enableServiceLinks"] is False
