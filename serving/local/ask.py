"""Ask a process on this machine over HTTP: its port on loopback, or its Unix socket."""

from __future__ import annotations

import http.client
import socket
from pathlib import Path

Address = int | Path


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket's file."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def ask(
    address: Address, path: str, *, method: str = "GET", timeout: float = 2.0
) -> tuple[int, bytes]:
    """Return status and body of an answer.

    Args:
        address: a port on loopback, or the file of a Unix socket.
        path: path and query.
        method: the HTTP method.
        timeout: seconds to wait for each part of the answer.

    Raises:
        OSError: nobody answers, or not in time, or not in HTTP.
    """
    connection = (
        _UnixConnection(address, timeout)
        if isinstance(address, Path)
        else http.client.HTTPConnection("127.0.0.1", address, timeout=timeout)
    )
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except http.client.HTTPException as error:
        raise OSError(f"no answer in HTTP: {type(error).__name__}") from error
    finally:
        connection.close()
