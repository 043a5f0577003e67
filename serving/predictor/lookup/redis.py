"""Features from the Redis that Feast materializes to: one hash an entity, read in one round trip.

Feast names a hash by the entity's key and the project, and its fields by the murmur hash of
VIEW:FEATURE; the time since when a view's values hold stands under _ts:VIEW. Views of the same
entity share a hash, so all of them take one HMGET, and all entities of a request one pipeline.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis, RedisError
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from millrace.features.lookup import LookupPlan
from serving.predictor.lookup.base import Column, Key, OnlineStoreDown
from serving.predictor.lookup.murmur import murmur3_32
from serving.predictor.lookup.reading import ViewReading, empty_columns, is_expired, readings_of
from serving.predictor.lookup.values import timestamp_seconds

_CONNECT_SECONDS = 2.0
_KEPT = 64


@dataclass(frozen=True)
class _Group:
    """Views that have the same join keys, and so the same hash.

    Attributes:
        parts: the join keys.
        key: makes the name of an entity's hash.
        fields: the fields of the hash to ask for: of each view its features, then, if it has a
            time to live, its event time.
        views: the views, in that order.
    """

    parts: tuple[str, ...]
    key: Callable[[tuple[Key, ...]], bytes]
    fields: list[bytes]
    views: tuple[ViewReading, ...]


class RedisStore:
    """An online store in a Redis."""

    def __init__(self, plan: LookupPlan, timeout: float, *, where: str, **connection: Any) -> None:
        """Set up, without connecting.

        Args:
            plan: the bundle's lookup plan.
            timeout: seconds that a read may take.
            where: the address, for messages.
            connection: how redis-py finds it: host, port, db, username, password, ssl.
        """
        self._where = where
        self._timeout = timeout
        self._project = plan.project.encode()
        self._readings = readings_of(plan)
        self._groups: dict[tuple[int, ...], list[_Group]] = {}
        self._client: Any = Redis(
            **connection, retry=Retry(NoBackoff(), 1), socket_connect_timeout=_CONNECT_SECONDS
        )
        self._reviving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect, so that the first request need not."""
        await self._revive()

    async def read(
        self, keys: Mapping[str, Sequence[Key]], views: Sequence[int]
    ) -> dict[str, Column]:
        """See `OnlineStore.read`."""
        groups = self._groups.get(tuple(views)) or self._prepare(tuple(views))
        names = [
            [group.key(row) for row in zip(*(keys[part] for part in group.parts), strict=True)]
            for group in groups
        ]
        count = len(names[0]) if names else 0
        hashes = await self._ask(groups, names)
        found = empty_columns([view for group in groups for view in group.views], count)
        try:
            for group, rows in zip(groups, hashes, strict=True):
                _fill(group, rows, found)
        except (ValueError, IndexError, TypeError) as error:
            raise OnlineStoreDown(
                "the online store holds something that is no feature value",
                where=self._where,
                found=str(error),
            ) from error
        return found

    async def close(self) -> None:
        """End the connections."""
        if self._reviving is not None:
            self._reviving.cancel()
        await self._client.aclose()

    async def _ask(
        self, groups: list[_Group], names: list[list[bytes]]
    ) -> list[list[list[bytes | None]]]:
        """Return, by group and row, the contents of the fields of the group."""
        try:
            async with asyncio.timeout(self._timeout):
                if len(groups) == 1 and len(names[0]) == 1:
                    return [[await self._client.hmget(names[0][0], groups[0].fields)]]
                return await self._ask_many(groups, names)
        except (TimeoutError, RedisError, OSError) as error:
            self._revive_aside()
            problem = " ".join(str(error).split()) or f"no answer in {self._timeout * 1000:g} ms"
            raise OnlineStoreDown(
                f"the online store Redis does not answer: {problem}", where=self._where
            ) from error

    async def _ask_many(
        self, groups: list[_Group], names: list[list[bytes]]
    ) -> list[list[list[bytes | None]]]:
        distinct = [list(dict.fromkeys(rows)) for rows in names]
        async with self._client.pipeline(transaction=False) as pipe:
            for group, rows in zip(groups, distinct, strict=True):
                for name in rows:
                    pipe.hmget(name, group.fields)
            answers = iter(await pipe.execute())
        found = []
        for rows, asked in zip(distinct, names, strict=True):
            contents = {name: next(answers) for name in rows}
            found.append([contents[name] for name in asked])
        return found

    def _prepare(self, views: tuple[int, ...]) -> list[_Group]:
        """Return the groups of some views; they are kept, for requests ask for the same again."""
        parts: dict[tuple[str, ...], list[ViewReading]] = {}
        for place in views:
            view = self._readings[place]
            parts.setdefault(view.parts, []).append(view)
        groups = [self._group(members) for members in parts.values()]
        if len(self._groups) < _KEPT:
            self._groups[views] = groups
        return groups

    def _group(self, views: list[ViewReading]) -> _Group:
        key, project = views[0].key, self._project
        fields = []
        for view in views:
            fields += [_field(view.name, field.name) for field in view.fields]
            fields += [f"_ts:{view.name}".encode()] if view.ttl else []
        return _Group(views[0].parts, lambda row: key(row) + project, fields, tuple(views))

    async def _revive(self) -> None:
        """Open a connection without the haste of a request, which may not have time for it."""
        with contextlib.suppress(RedisError, OSError, TimeoutError):
            async with asyncio.timeout(_CONNECT_SECONDS):
                await self._client.ping()

    def _revive_aside(self) -> None:
        if self._reviving is None or self._reviving.done():
            self._reviving = asyncio.create_task(self._revive())


def _fill(group: _Group, rows: list[list[bytes | None]], found: dict[str, Column]) -> None:
    for place, contents in enumerate(rows):
        values = iter(contents)
        for view in group.views:
            if not view.ttl:
                for field in view.fields:
                    content = next(values)
                    if content:
                        found[field.name][place] = field.read(content)
                continue
            held = [next(values) for _ in view.fields]
            since = timestamp_seconds(next(values) or b"")
            if not is_expired(view, since):
                for field, content in zip(view.fields, held, strict=True):
                    found[field.name][place] = field.read(content) if content else None


def _field(view: str, feature: str) -> bytes:
    return murmur3_32(f"{view}:{feature}".encode()).to_bytes(4, "little")
