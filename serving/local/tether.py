"""Become another program that the kernel ends when the process that asked for it is gone.

Run by its path as `python -I -S tether.py PARENT PROGRAM ARGUMENT...`, so it imports nothing but
the standard library. On Linux the wish survives `exec`; elsewhere there is no such wish, and what
a killed platform leaves is ended by the next `millrace up` or `millrace down`.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(parent: int, program: list[str]) -> None:
    """Tie this process to its parent, then become the program."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it was gone before the wish was made
            sys.exit(1)
    os.execvp(program[0], program)  # noqa: S606


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
