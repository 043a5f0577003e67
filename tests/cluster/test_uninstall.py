"""What was installed goes without a trace."""

from tests.cluster.cluster_world import ARMS, PLATFORM, World, wait_for

OURS = "app.kubernetes.io/part-of=millrace"


def test_uninstall_leaves_nothing(world: World) -> None:
    world.kubectl(
        *("delete", "inferenceservices,httproutes,grpcroutes", "--all", "--namespace", ARMS)
    )
    world.cluster.helm("uninstall", "millrace", "--namespace", PLATFORM, "--wait")
    world.kubectl("delete", "namespace", PLATFORM, "--timeout=120s")
    kinds = [
        one
        for one in world.kubectl("api-resources", "--verbs=list", "--output=name").split()
        if not one.startswith("events")
    ]

    def left() -> list[str]:
        found = world.tried(
            *("get", ",".join(kinds), "--all-namespaces", "--selector", OURS),
            *("--ignore-not-found", "--output", "name"),
        )
        return found.stdout.split()

    wait_for(lambda: not left(), "nothing of the platform is left", 120)
    there = world.kubectl("get", "namespaces", "--output", "name").split()
    assert f"namespace/{PLATFORM}" not in there
    assert f"namespace/{ARMS}" not in there
    wait_for(
        lambda: (
            not world.get(
                *("deployments", "--namespace", "envoy-gateway-system", "--selector"),
                "gateway.envoyproxy.io/owning-gateway-name=millrace",
            )["items"]
        ),
        "the gateway's Envoys are gone",
        60,
    )
