"""What the gateway shall do, as values: which arms there are and how requests are split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Endpoint:
    """Ports of one replica on loopback; health is asked over HTTP for both protocols."""

    http_port: int
    grpc_port: int


@dataclass(frozen=True)
class HeaderChanges:
    """What is done to headers on the way; names in any case."""

    set: Mapping[str, str] = field(default_factory=dict)
    add: Mapping[str, str] = field(default_factory=dict)
    remove: tuple[str, ...] = ()


@dataclass(frozen=True)
class Target:
    """An arm's part in a split.

    Attributes:
        arm: its name.
        weight: its share, relative to the others.
        request: changes to the headers of requests.
        answer: changes to the headers of answers.
    """

    arm: str
    weight: int
    request: HeaderChanges = HeaderChanges()
    answer: HeaderChanges = HeaderChanges()


@dataclass(frozen=True)
class Copies:
    """An arm that gets copies of this percentage of the requests; its answers are dropped."""

    arm: str
    percent: float


@dataclass(frozen=True)
class Split:
    """Where the requests of one protocol go; targets without weight get none."""

    targets: tuple[Target, ...]
    copies: tuple[Copies, ...] = ()
    timeout: float = 60.0
    """Seconds for a whole request, with every retry."""

    @property
    def weights(self) -> dict[str, int]:
        """Return the weight of each arm."""
        return {target.arm: target.weight for target in self.targets}

    @property
    def arms(self) -> set[str]:
        """Return every arm that gets requests or copies."""
        weighty = {target.arm for target in self.targets if target.weight}
        return weighty | {copies.arm for copies in self.copies}


@dataclass(frozen=True)
class Host:
    """How the requests for a workload's hosts are split; without a split nobody answers them."""

    workload: str
    names: tuple[str, ...]
    http: Split | None
    grpc: Split | None

    @property
    def arms(self) -> set[str]:
        """Return every arm that gets requests or copies, of either protocol."""
        return set().union(*(split.arms for split in (self.http, self.grpc) if split))


@dataclass(frozen=True)
class GatewayConfig:
    """All that the gateway shall do.

    Attributes:
        arms: replicas of each arm that requests may go to, or still go to.
        hosts: every workload.
    """

    arms: Mapping[str, tuple[Endpoint, ...]] = field(default_factory=dict)
    hosts: tuple[Host, ...] = ()
