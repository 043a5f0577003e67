"""The deploy repository is packed at the start of the platform, and once a day."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from millrace.deploy.packing import pack
from millrace.errors import DeployError
from millrace.settings import Settings

DAY_SECONDS = 86_400.0


async def keep_packed(
    settings: Settings, tell: Callable[[str, str], None], every: float = DAY_SECONDS
) -> None:
    """Pack the deploy repository, if it is ours, now and from time to time, for ever."""
    while True:
        try:
            await pack(settings)
        except DeployError as error:
            tell("not_packed", str(error))
        await asyncio.sleep(every)
