"""A second team: a namespace and a workload of its own, that disturb the first in nothing."""

from collections.abc import Iterator

import pytest

from tests.cluster.cluster_world import World, load, wait_for
from tests.cluster.test_storage import service
from tests.integration.predictors import MODEL, ServedBundle, row
from tools.kind.platform import install_platform, tags_of
from tools.kind.secrets import arm_secrets, platform_secrets

SECOND = "second"


@pytest.fixture(scope="module")
def second(pumps: World, bundle: ServedBundle) -> Iterator[World]:
    with load() as users:
        both = f"workloadNamespaces={{models,{SECOND}}}"
        install_platform(pumps.cluster, tags_of(pumps.cluster), settings=[both])
        arm_secrets(pumps.cluster, platform_secrets(pumps.cluster), SECOND)
        pumps.apply(service("theirs-v1", pumps.publish(bundle), bundle.digest), SECOND)
        pumps.wait_until_ready("theirs-v1", SECOND)
        pumps.apply(ROUTE, SECOND)
        wait_for(lambda: answers(pumps), "their route answers")
    assert users.lost == 0, users.problems[:5]
    yield pumps
    with load() as users:
        install_platform(pumps.cluster, tags_of(pumps.cluster))
        wait_for(
            lambda: pumps.tried("get", "namespace", SECOND).returncode != 0,
            "their namespace is gone",
            120,
        )
    assert users.lost == 0, users.problems[:5]


ROUTE = {
    "apiVersion": "gateway.networking.k8s.io/v1",
    "kind": "HTTPRoute",
    "metadata": {"name": "theirs"},
    "spec": {
        "parentRefs": [{"name": "millrace", "namespace": "millrace"}],
        "hostnames": ["theirs.millrace.localhost"],
        "rules": [{"backendRefs": [{"name": "theirs-v1-predictor", "port": 80}]}],
    },
}


def answers(world: World) -> bool:
    path = f"/v2/models/{MODEL}/infer"
    return bool(world.ask(path, row(), workload="theirs").ok)


def test_both_teams_are_served_side_by_side(second: World) -> None:
    assert answers(second)
    assert second.ask().status_code == 200


def test_what_one_team_breaks_is_no_trouble_of_the_other(second: World) -> None:
    with load() as users:
        second.kubectl("delete", "inferenceservice", "--all", "--namespace", SECOND)
        wait_for(lambda: not answers(second), "theirs answers no more")
        wait_for(lambda: users.statuses[200] > 100, "ours is answered")
    assert users.lost == 0, users.problems[:5]
