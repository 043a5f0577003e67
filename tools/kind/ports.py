"""The ports of this machine that lead into the cluster, as kind-config.yaml maps them."""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass
from pathlib import Path

import yaml

from millrace.errors import MillraceError

CONFIG = Path("kind-config.yaml")
_ANY = "0.0.0.0"  # noqa: S104 - kind's own default
_LOOPBACK = {_ANY: "127.0.0.1", "::": "[::1]"}


@dataclass(frozen=True)
class Port:
    """A port of this machine, and the one of a node that it leads to."""

    inside: int
    address: str
    number: int

    @property
    def reached(self) -> str:
        """Return `HOST:PORT` as programs of this machine reach it."""
        return f"{_LOOPBACK.get(self.address, self.address)}:{self.number}"

    @property
    def taken(self) -> bool:
        """Return whether another program listens there."""
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.address, self.number))
            except OSError as error:
                return error.errno == errno.EADDRINUSE
        return False


def mapped_ports() -> list[Port]:
    """Return the ports that the file maps.

    Raises:
        MillraceError: it cannot be read.
    """
    try:
        nodes = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))["nodes"]
        return [
            Port(int(one["containerPort"]), one.get("listenAddress") or _ANY, int(one["hostPort"]))
            for node in nodes
            for one in node.get("extraPortMappings", [])
        ]
    except (OSError, yaml.YAMLError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise MillraceError(
            "its port mappings cannot be read",
            where=str(CONFIG),
            found=f"{type(error).__name__}: {error}",
            expected="nodes with extraPortMappings of containerPort and hostPort",
        ) from error


def reached(inside: int) -> str:
    """Return `HOST:PORT` of this machine that leads to a port of the nodes.

    Raises:
        MillraceError: none does.
    """
    for port in mapped_ports():
        if port.inside == inside:
            return port.reached
    raise MillraceError(
        f"no port of this machine leads to {inside}",
        where=str(CONFIG),
        expected=f"an extraPortMapping with containerPort {inside}",
    )


def require_free_ports() -> None:
    """See that the ports are free for the cluster to take.

    Raises:
        MillraceError: another program listens at one.
    """
    taken = [str(port.number) for port in mapped_ports() if port.taken]
    if taken:
        several = len(taken) > 1
        raise MillraceError(
            f"port{'s' * several} {', '.join(taken)} {'are' if several else 'is'} taken",
            remedy="`millrace down` ends a platform of this machine, or choose another hostPort in "
            f"{CONFIG}",
        )
