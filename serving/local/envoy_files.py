"""The files that Envoy follows, each replaced by an atomic rename, and what it makes of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

from millrace.errors import GatewayError
from millrace.files import write_whole
from serving.local.envoy_config import LISTENER, ROUTES, resources

TAKEN_SECONDS = 5.0
"""Longest time that Envoy may need to follow a file."""
CLUSTERS_FILE = "cds.json"
ROUTES_FILE = "rds.json"

_LOOK_SECONDS = 0.005
_FOLLOWS = r"(version_text|cluster_manager\.warming_clusters)$"
_OF_ROUTES = rf"^http\.{LISTENER}\.rds\.{ROUTES}\."
_REFUSALS = ("update_rejected", "update_failure")

Stats = Callable[[str], Awaitable[list[dict[str, Any]]]]
"""Returns Envoy's statistics whose names match a pattern; raises GatewayError if there are none."""


class EnvoyFiles:
    """The folder that Envoy reads clusters, endpoints and routes from."""

    def __init__(self, folder: Path, log: Path, stats: Stats) -> None:
        """Take the folder, Envoy's log for people, and how to ask for its statistics."""
        self.folder = folder
        self._log = log
        self._stats = stats
        self._versions: dict[str, str] = {}

    def clear(self) -> None:
        """Remove what an earlier gateway has left, and make the folder if it is not there."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for file in self.folder.glob("*.json"):
            file.unlink()

    def write(self, name: str, found: list[dict[str, Any]]) -> str:
        """Write a file of resources, unless it says the same already; return its version."""
        version, content = resources(found)
        if self._versions.get(name) != version:
            write_whole(self.folder / name, content)
            self._versions[name] = version
        return version

    def forget(self, names: Iterable[str]) -> None:
        """Wait no more for Envoy to follow some files: what named them is to go."""
        for name in names:
            self._versions.pop(name, None)

    def remove(self, names: Iterable[str]) -> None:
        """Remove files that nothing names any more."""
        for name in names:
            (self.folder / name).unlink(missing_ok=True)

    async def taken(self) -> None:
        """Wait until Envoy follows clusters and endpoints as they stand, and can reach every arm.

        Raises:
            GatewayError: it does not answer, or not in time.
        """
        deadline = time.monotonic() + TAKEN_SECONDS
        while behind := await self._behind():
            if time.monotonic() > deadline:
                raise self._fault(behind)
            await asyncio.sleep(_LOOK_SECONDS)

    async def take_routes(self, routes: dict[str, Any]) -> bool:
        """Write the routes, and return whether Envoy follows them; it refuses them otherwise.

        Raises:
            GatewayError: it does not answer, or not in time.
        """
        taken = False
        try:
            _, before = await self._routes()
            version = self.write(ROUTES_FILE, [routes])
            deadline = time.monotonic() + TAKEN_SECONDS
            while True:
                follows, refusals = await self._routes()
                taken = follows == version
                if taken or refusals > before:
                    return taken
                if time.monotonic() > deadline:
                    raise self._fault(ROUTES_FILE)
                await asyncio.sleep(_LOOK_SECONDS)
        finally:
            if not taken:  # so that the same is written, and read by Envoy, when it is tried again
                self._versions.pop(ROUTES_FILE, None)

    async def _routes(self) -> tuple[str, int]:
        """Return the version of the routes that Envoy follows, and how many it has refused."""
        found = {
            one["name"].rpartition(".")[2]: one["value"] for one in await self._stats(_OF_ROUTES)
        }
        return str(found.get("version_text", "")), sum(found.get(name, 0) for name in _REFUSALS)

    async def _behind(self) -> str:
        """Return the first file that Envoy does not follow yet; empty if it follows them all."""
        texts = {one["name"]: one["value"] for one in await self._stats(_FOLLOWS)}
        if texts.get("cluster_manager.cds.version_text") != self._versions[CLUSTERS_FILE]:
            return CLUSTERS_FILE
        if texts.get("cluster_manager.warming_clusters", 0):
            return "the endpoints of a new arm"
        for name, version in self._versions.items():
            if name.startswith("eds-") and version not in texts.values():
                return name
        return ""

    def _fault(self, behind: str) -> GatewayError:
        return GatewayError(
            f"the gateway does not follow {behind}",
            where=str(self.folder),
            remedy=f"read why at the end of {self._log}",
        )
