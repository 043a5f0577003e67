"""Free ports on loopback for predictors."""

from __future__ import annotations

import random
import socket

RANGE = range(20_000, 32_000)
"""Below the ports that systems give to outgoing connections, which could take one meanwhile."""


def free_ports(count: int, taken: set[int]) -> list[int]:
    """Return ports that nobody listens on and that are not among those given away already.

    Raises:
        OSError: no port is free.
    """
    found: list[int] = []
    for port in random.sample(RANGE, len(RANGE)):
        if port not in taken and is_free(port):
            found.append(port)
            if len(found) == count:
                return found
    raise OSError("no port is free")


def is_free(port: int) -> bool:
    """Return whether a server could listen on a port of loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
