"""Closing a listening socket without losing what clients have sent to it."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import socket
import stat
import struct
from pathlib import Path

_OPEN_FILES = Path("/proc/self/fd")
_ACCEPTED = 0.05
"""Seconds within which connections that the kernel has made are taken."""
_SO_ATTACH_FILTER = 26
_BPF_RETURN = 0x06
"""The instruction that ends a filter; its operand is how many bytes of the packet to keep."""


def drop_packets(listening: socket.socket) -> None:
    """Drop what arrives for a listening socket: clients try again, and find it closed.

    A socket filter of one instruction does that, see socket(7) and the kernel's
    Documentation/networking/filter.rst; a kernel without filters leaves a gap of microseconds.
    """
    program = ctypes.create_string_buffer(struct.pack("HBBI", _BPF_RETURN, 0, 0, 0))
    with contextlib.suppress(OSError):
        listening.setsockopt(
            socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HP", 1, ctypes.addressof(program))
        )


async def close_listening(port: int) -> None:
    """Close the sockets by which a library in this process listens on a port, and nothing else.

    The library goes on with the connections that it has. It does not notice: the number of each of
    its sockets then stands for one that nobody can connect to.
    """
    numbers = _listening_on(port)
    for number in numbers:
        with socket.socket(fileno=os.dup(number)) as listening:
            drop_packets(listening)
    await asyncio.sleep(_ACCEPTED)
    with socket.socket() as nothing:
        for number in numbers:
            os.dup2(nothing.fileno(), number, inheritable=False)


def _listening_on(port: int) -> list[int]:
    found = []
    for file in _OPEN_FILES.iterdir():
        number = int(file.name)
        with contextlib.suppress(OSError):  # a file may be closed meanwhile
            if stat.S_ISSOCK(os.fstat(number).st_mode) and _listens_on(port, number):
                found.append(number)
    return found


def _listens_on(port: int, number: int) -> bool:
    with socket.socket(fileno=os.dup(number)) as each:
        if each.family not in (socket.AF_INET, socket.AF_INET6):
            return False
        listens = each.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        return bool(listens) and each.getsockname()[1] == port
