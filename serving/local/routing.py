"""How requests are split right now: as Git says, as far as the arms and the gateway let it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from millrace.errors import GatewayError
from serving.local.desired import Wanted
from serving.local.fleet import Fleet
from serving.local.gateway import Gateway
from serving.local.plan import next_host
from serving.local.splits import GatewayConfig, Host
from serving.local.state import RouteState


class Routing:
    """The hosts of every workload, asked for and in force."""

    def __init__(self, gateway: Gateway, fleet: Fleet, tell: Callable[[str, str], None]) -> None:
        """Take what splits the requests, who answers them, and whom to tell of changes."""
        self._gateway = gateway
        self._fleet = fleet
        self._tell = tell
        self._asked: dict[str, Host] = {}
        self._waits: dict[str, str] = {}
        self._refused: dict[str, str] = {}
        self.hosts: dict[str, Host] = {}
        """What the gateway follows, by workload."""

    @property
    def complete(self) -> bool:
        """Return whether everything is split as was asked for last."""
        return not any(self._waits.values()) and not self._refused

    @property
    def faults(self) -> tuple[str, ...]:
        """Return what the gateway refuses, one line each."""
        return tuple(self._refused.values())

    @property
    def used(self) -> set[str]:
        """Return every arm that the gateway's routes name, and every one that they shall name."""
        hosts = (*self.hosts.values(), *self._asked.values())
        return {arm for host in hosts for arm in host.arms}

    async def follow(self, wanted: Mapping[str, Wanted]) -> list[Host]:
        """Bring the splits one step nearer to what Git says; return those that changed.

        Raises:
            GatewayError: the gateway does not answer, or does not take the configuration.
        """
        arms = self._fleet.readiness()
        asked: dict[str, Host] = {}
        waits: dict[str, str] = {}
        for workload, one in wanted.items():
            if one.host is not None:
                former = self.hosts.get(workload)
                asked[workload], waits[workload] = next_host(one.host, arms, former, one.canary)
        self._asked = asked
        changed = await self.apply()
        self._waits = waits
        return changed

    async def apply(self) -> list[Host]:
        """Hand the gateway what was asked for last, and where arms answer now.

        Raises:
            GatewayError: the gateway does not answer, or does not take the configuration.
        """
        config = GatewayConfig(self._fleet.endpoints(), tuple(self._asked.values()))
        followed = await self._gateway.apply(config)
        before, self.hosts = self.hosts, {host.workload: host for host in followed}
        self._tell_of_refusals()
        for workload in before.keys() - self.hosts.keys():
            self._tell("route_gone", f"{workload} has no route any more")
        changed = [host for host in followed if before.get(host.workload) != host]
        for host in changed:
            if host.http is not None:
                split = ", ".join(f"{arm} {n} %" for arm, n in host.http.weights.items() if n)
                self._tell("weights_changed", f"{host.workload}: {split}")
        return changed

    def states(self, wanted: Mapping[str, Wanted]) -> list[RouteState]:
        """Return what others are told of each split in force, beside what Git says."""
        return [self._state(name, wanted.get(name)) for name in sorted(self.hosts)]

    def _tell_of_refusals(self) -> None:
        refused = {
            workload: self._refused.get(workload) or self._refusal(workload)
            for workload, host in self._asked.items()
            if self.hosts.get(workload) != host
        }
        before, self._refused = self._refused, refused
        for workload in refused.keys() - before.keys():
            self._tell("fault", refused[workload])
        for workload in before.keys() - refused.keys():
            self._tell("fault_gone", f"mended: {workload}")

    def _refusal(self, workload: str) -> str:
        return str(
            GatewayError(
                "the gateway refuses the routes; what served before goes on",
                where=workload,
                remedy=f"read why in {self._gateway.log}, and mend them",
            )
        )

    def _state(self, workload: str, wanted: Wanted | None) -> RouteState:
        host = self.hosts[workload]
        declared = wanted.host.http if wanted and wanted.host else None
        return RouteState(
            workload=workload,
            hosts=list(host.names),
            weights=host.http.weights if host.http else {},
            declared=declared.weights if declared else {},
            waits_for=self._waits.get(workload, ""),
        )
