"""Routes of many workloads: what the gateway refuses of one keeps no other from being followed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from millrace.errors import GatewayError
from serving.local.splits import Host

Takes = Callable[[tuple[Host, ...]], Awaitable[bool]]
"""Hands routes to the gateway, and returns whether it follows them from now on."""


async def follow_each(
    wanted: Sequence[Host], former: Sequence[Host], takes: Takes
) -> tuple[Host, ...]:
    """Return what the gateway follows now: of a workload whose routes it refuses, the former.

    If it refuses them all together, each change is tried for itself; and again once others were
    taken, for the name of a host may move from one workload to another.

    Args:
        wanted: the routes of each workload.
        former: what the gateway follows so far.
        takes: hands routes to it.

    Raises:
        GatewayError: it refuses even what it followed before.
    """
    if await takes(tuple(wanted)):
        return tuple(wanted)
    there = {host.workload for host in wanted}
    followed = {host.workload: host for host in former if host.workload in there}
    left = [host for host in wanted if followed.get(host.workload) != host]
    progress = True
    while progress:
        progress = False
        for host in tuple(left):
            tried = {**followed, host.workload: host}
            if await takes(tuple(tried.values())):
                followed, progress = tried, True
                left.remove(host)
    if not await takes(tuple(followed.values())):
        raise GatewayError("the gateway refuses the routes that it followed before")
    return tuple(followed.values())
