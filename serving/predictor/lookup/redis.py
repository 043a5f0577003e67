"""Features from the Redis that Feast materializes to: one hash an entity, read in one round trip.

Feast names a hash by the entity's key and the project, and its fields by the murmur hash of
VIEW:FEATURE; the time since when a view's values hold stands under _ts:VIEW. Views of the same
entity share a hash, so all of them take one HMGET, and all entities of a request one pipeline.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import hiredis

from millrace.features.lookup import LookupPlan
from serving.predictor.lookup.base import Key, OnlineStoreDown, Values
from serving.predictor.lookup.murmur import murmur3_32
from serving.predictor.lookup.reading import ViewReading, is_expired, readings_of
from serving.predictor.lookup.resp import RedisClient, RedisDown, RedisPlace, Reply, bulk
from serving.predictor.lookup.values import timestamp_seconds

_KEPT = 64


@dataclass(frozen=True)
class _Group:
    """Views that have the same join keys, and so the same hash.

    Attributes:
        parts: the join keys.
        key: makes the name of an entity's hash.
        start: the command that reads a hash, up to its name.
        fields: the rest of it: of each view its features, then, if it has a time to live, its
            event time.
        width: how many fields that are.
        views: the views, in that order.
    """

    parts: tuple[str, ...]
    key: Callable[[tuple[Key, ...]], bytes]
    start: bytes
    fields: bytes
    width: int
    views: tuple[ViewReading, ...]

    def names(self, keys: Mapping[str, Sequence[Key]]) -> list[bytes]:
        """Return the names of the hashes of n entities."""
        rows = zip(*(keys[part] for part in self.parts), strict=True)
        return [self.key(row) for row in rows]


class RedisStore:
    """An online store in a Redis."""

    def __init__(self, plan: LookupPlan, timeout: float, place: RedisPlace) -> None:
        """Set up, without connecting.

        Args:
            plan: the bundle's lookup plan.
            timeout: seconds that a read may take.
            place: where it is.

        Raises:
            OSError: the certificates of its place cannot be read.
        """
        self._where = f"{place.host}:{place.port}"
        self._project = plan.project.encode()
        self._readings = readings_of(plan)
        self._groups: dict[tuple[int, ...], list[_Group]] = {}
        self._client = RedisClient(place, timeout)

    async def start(self) -> None:
        """Connect, so that the first request need not."""
        with contextlib.suppress(RedisDown):
            await self._client.start()

    async def read(
        self, keys: Mapping[str, Sequence[Key]], views: Sequence[int]
    ) -> dict[str, Values]:
        """See `OnlineStore.read`."""
        chosen = tuple(views)
        groups = self._groups.get(chosen) or self._prepare(chosen)
        names = [group.names(keys) for group in groups]
        distinct = [part if len(part) == 1 else list(dict.fromkeys(part)) for part in names]
        commands = [
            b"%b%b%b" % (group.start, bulk(name), group.fields)
            for group, part in zip(groups, distinct, strict=True)
            for name in part
        ]
        if not commands:
            return {field.name: [] for group in groups for v in group.views for field in v.fields}
        found: dict[str, Values] = {}
        try:
            replies = iter(await self._client.ask(b"".join(commands), len(commands)))
            for group, part, asked in zip(groups, distinct, names, strict=True):
                hashes = [next(replies) for _ in part]
                _require_hashes(hashes, group.width)
                if len(part) < len(asked):
                    by_name = dict(zip(part, hashes, strict=True))
                    hashes = [by_name[name] for name in asked]
                _fill(group, hashes, found)
        except RedisDown as error:
            raise OnlineStoreDown(
                f"the online store Redis does not answer: {' '.join(str(error).split())}",
                where=self._where,
            ) from error
        except (ValueError, IndexError, TypeError) as error:
            raise OnlineStoreDown(
                "the online store holds something that is no feature value",
                where=self._where,
                found=str(error),
            ) from error
        return found

    async def close(self) -> None:
        """End the connection."""
        await self._client.close()

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
        return _Group(
            parts=views[0].parts,
            key=lambda row: key(row) + project,
            start=b"*%d\r\n%b" % (len(fields) + 2, bulk(b"HMGET")),
            fields=b"".join(map(bulk, fields)),
            width=len(fields),
            views=tuple(views),
        )


def _require_hashes(replies: list[Reply], width: int) -> None:
    """Raise RedisDown if a reply is an error, or none to HMGET."""
    for reply in replies:
        if type(reply) is not list or len(reply) != width:
            told = str(reply) if isinstance(reply, hiredis.HiredisError) else "no hash"
            raise RedisDown(told)


def _fill(group: _Group, hashes: list[list[bytes | None]], found: dict[str, Values]) -> None:
    """Decode the contents of n hashes into columns."""
    contents = zip(*hashes, strict=True)
    for view in group.views:
        held = [next(contents) for _ in view.fields]
        if view.ttl:
            ages = [is_expired(view, timestamp_seconds(since or b"")) for since in next(contents)]
            if any(ages):
                held = [_without(values, ages) for values in held]
        for field, values in zip(view.fields, held, strict=True):
            read = field.read
            found[field.name] = [read(value) if value else None for value in values]


def _without(values: Sequence[bytes | None], expired: list[bool]) -> tuple[bytes | None, ...]:
    return tuple(None if old else value for value, old in zip(values, expired, strict=True))


def _field(view: str, feature: str) -> bytes:
    return murmur3_32(f"{view}:{feature}".encode()).to_bytes(4, "little")
