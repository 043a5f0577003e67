"""Routes that Envoy refuses cost their own workload a change, and no other workload anything."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stand_ins import a_gateway, one_host, stand_in

from millrace.errors import GatewayError
from serving.local.desired import Wanted
from serving.local.follow_each import follow_each
from serving.local.plan import Readiness
from serving.local.routing import Routing
from serving.local.splits import Endpoint, GatewayConfig, HeaderChanges, Host, Split

ARMS = ("pumps-v1", "pumps-v2")


def host(workload: str, arm: str = "pumps-v1", name: str = "") -> Host:
    """Return a host all of whose requests go to one arm."""
    plain = one_host(**{arm: 100})
    return replace(plain, workload=workload, names=(name or f"{workload}.localhost",))


def broken(one: Host) -> Host:
    """Return a host with a change to a header that Envoy does not make."""
    [target] = one.http.targets if one.http else ()
    split = Split((replace(target, request=HeaderChanges({"host": "x"})),))
    return replace(one, http=split)


class Fleet:
    """Arms that all run in one process."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def readiness(self) -> Readiness:
        return Readiness(ARMS, ARMS)

    def endpoints(self) -> dict[str, tuple[Endpoint, ...]]:
        return dict.fromkeys(ARMS, (self._endpoint,))


def test_the_other_workloads_are_followed_and_the_refused_one_keeps_what_served(
    tmp_path: Path,
) -> None:
    async def test() -> None:
        with stand_in() as endpoint:
            async with a_gateway(tmp_path, GatewayConfig()) as running:
                told: list[tuple[str, str]] = []
                fleet = Fleet(endpoint)
                routing = Routing(running.gateway, fleet, lambda *one: told.append(one))  # type: ignore[arg-type]

                async def follow(*hosts: Host) -> None:
                    await routing.follow(
                        {one.workload: Wanted(one.workload, {}, one) for one in hosts}
                    )

                async def get(workload: str) -> int:
                    found = await asyncio.to_thread(running.get, "/", f"{workload}.localhost")
                    return found[0]

                bad, good = host("bad"), host("good")
                await follow(broken(bad), good)
                assert [await get("bad"), await get("good")] == [404, 200]
                assert not routing.complete
                [fault] = routing.faults
                assert fault.startswith("bad: the gateway refuses the routes; what served before")
                assert str(tmp_path / "gateway.log") in fault
                assert ("fault", fault) in told

                await follow(bad, good)
                assert await get("bad") == 200
                assert (routing.complete, routing.faults) == (True, ())
                assert told[-2:] == [
                    ("fault_gone", "mended: bad"),
                    ("weights_changed", "bad: pumps-v1 100 %"),
                ]

                await follow(broken(host("bad", "pumps-v2")), host("good", "pumps-v2"))
                assert [one.workload for one in routing.hosts.values()] == ["bad", "good"]
                assert routing.hosts == {"bad": bad, "good": host("good", "pumps-v2")}
                assert [await get("bad"), await get("good")] == [200, 200]
                assert routing.used == set(ARMS)

    asyncio.run(test())


def test_routes_that_envoy_refuses_are_no_longer_in_the_file_that_it_starts_with(
    tmp_path: Path,
) -> None:
    async def test() -> None:
        config = GatewayConfig({"pumps-v1": (Endpoint(1, 2),)}, (host("good"),))
        async with a_gateway(tmp_path, config) as running:
            await running.gateway.apply(replace(config, hosts=(broken(host("bad")), host("good"))))
            content = (tmp_path / "envoy" / "rds.json").read_text()
            assert "good.localhost" in content
            assert "bad.localhost" not in content

    asyncio.run(test())


class World:
    """A gateway that refuses some hosts, and two of the same name."""

    def __init__(self, follows: dict[str, str], refuses: set[str]) -> None:
        self.follows = hosts_of(follows)
        self._refuses = refuses

    async def takes(self, hosts: tuple[Host, ...]) -> bool:
        names = [name for one in hosts for name in one.names]
        taken = not self._refuses & {*names} and len({*names}) == len(names)
        if taken:
            self.follows = hosts
        return taken


def hosts_of(names: Mapping[str, str]) -> tuple[Host, ...]:
    """Return a host of each workload by its name."""
    return tuple(Host(workload, (name,), None, None) for workload, name in names.items())


worlds = st.lists(st.integers(0, 5), max_size=4, unique=True).map(
    lambda numbers: {"abcd"[at]: f"host-{number}" for at, number in enumerate(numbers)}
)


@given(worlds, worlds, st.sets(st.sampled_from([f"host-{n}" for n in range(6)])))
def test_every_workload_that_the_gateway_can_follow_is_followed(
    former: dict[str, str], wanted: dict[str, str], refuses: set[str]
) -> None:
    refuses -= {*former.values()}
    world = World(former, refuses)
    followed = asyncio.run(follow_each(hosts_of(wanted), world.follows, world.takes))
    assert world.follows == followed
    names = {one.workload: one.names[0] for one in followed}
    assert not refuses & {*names.values()}
    for workload, name in wanted.items():
        taken_by_others = {one for other, one in names.items() if other != workload}
        if name in refuses | taken_by_others:
            assert names.get(workload) in (former.get(workload), None)
        else:
            assert names[workload] == name


def test_a_gateway_that_takes_nothing_any_more_is_told() -> None:
    async def takes(_hosts: tuple[Host, ...]) -> bool:
        return False

    with pytest.raises(GatewayError, match="refuses the routes that it followed before"):
        asyncio.run(follow_each(hosts_of({"a": "host-1"}), (), takes))
