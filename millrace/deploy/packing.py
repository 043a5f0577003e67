"""Pack our own deploy repository or cache: objects into one file, refs into another.

Every change leaves some small files, and no command of ours packs on its own: it would take its
time in the middle of something else. What others read and write meanwhile stays right: Git removes
a file only once what it held is in the pack, and no object that nothing leads to before it is two
weeks old, while a proposal is made within seconds.
"""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress

from millrace.deploy.place import open_place
from millrace.deploy.process import Ran
from millrace.errors import DeployError
from millrace.settings import Settings

_COMMAND = ("-c", "pack.threads=1", "gc", "--quiet")
"""One thread, as it is never urgent."""


async def pack(settings: Settings) -> None:
    """Pack the deploy repository of an installation, unless it is one that the user brought.

    Git ends if this is cancelled; nothing is lost then.

    Raises:
        DeployError: it cannot be packed.
    """
    place = open_place(settings)
    if not place.own or not (place.folder / "HEAD").is_file():
        return
    try:
        child = await asyncio.create_subprocess_exec(
            "git",
            *_COMMAND,
            env=place.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise DeployError(f"the git program cannot be run: {error.strerror or error}") from error
    try:
        _, said = await child.communicate()
    finally:
        if child.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGTERM)
            await child.wait()
    if child.returncode:
        raise place.fault(Ran(child.returncode, b"", said.decode(errors="replace")))
