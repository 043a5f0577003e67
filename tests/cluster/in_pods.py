"""What containers that end have said."""

from tests.cluster.cluster_world import ARMS, World


def said_by(world: World, arm: str, namespace: str = ARMS) -> dict[str, str]:
    """Return the logs of the containers of an arm that failed, by container."""
    found: dict[str, str] = {}
    for pod in world.pods(arm, namespace):
        status = pod["status"]
        for one in (
            *status.get("initContainerStatuses", []),
            *status.get("containerStatuses", []),
        ):
            ended = one["state"].get("terminated") or one.get("lastState", {}).get("terminated")
            if ended and ended["exitCode"]:
                words = ("logs", pod["metadata"]["name"], "--namespace", namespace)
                before = () if "terminated" in one["state"] else ("--previous",)
                done = world.tried(*words, "--container", one["name"], *before)
                if done.stdout:
                    found[one["name"]] = done.stdout
    return found
