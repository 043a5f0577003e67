"""A Helm that was killed leaves nothing that the next `make kind-up` stumbles over."""

import pytest

from tests.unit.kind.kind_world import Machine
from tools.kind.charts import install_chart
from tools.kind.cluster import Kind

UNINSTALL = "uninstall eg --namespace eg-system --wait --timeout 5m"


@pytest.mark.parametrize(
    ("status", "first"),
    [
        ("pending-install", UNINSTALL),
        ("uninstalling", UNINSTALL),
        ("pending-upgrade", "rollback eg --namespace eg-system"),
        ("pending-rollback", "rollback eg --namespace eg-system"),
        ("deployed", None),
        ("failed", None),
        ("", None),
    ],
)
def test_an_operation_that_was_interrupted_is_undone_before_the_next(
    machine: Machine, status: str, first: str | None
) -> None:
    told = f'echo \'{{"info": {{"status": "{status}"}}}}\'' if status else "exit 1"
    machine.write("helm", f'[ "$3" != status ] || {told}')
    install_chart(Kind(), "eg", "eg-system", "chart", "--wait")
    helm = [line.removeprefix("helm --kube-context kind-millrace ") for line in machine.asked[1:]]
    assert helm == [
        "status eg --namespace eg-system --output json",
        *([first] if first else []),
        "upgrade --install eg chart --wait --namespace eg-system",
    ]
