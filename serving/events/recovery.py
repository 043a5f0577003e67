"""Which waiting halves a process had written when it was killed, before it noted that it had."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path

import msgspec

from serving.events.files import previous
from serving.events.halves import Half, Key


class _Kept(msgspec.Struct):
    """What tells an event among those that are kept."""

    id: str = ""
    namespace: str = ""
    inferenceservicename: str = ""
    component: str = ""
    time: str = ""


_decode = msgspec.json.Decoder(_Kept).decode


def kept_already(file: Path, waiting: Iterable[Half]) -> list[Half]:
    """Return those of some halves that are in a file, joined or as incomplete.

    Args:
        file: that of their workload; the one before it is read too.
        waiting: the halves.

    Raises:
        OSError: a file cannot be read.
    """
    asked: dict[Key, list[Half]] = {}
    for half in waiting:
        asked.setdefault(half.key, []).append(half)
    found: dict[tuple[Key, str], Half] = {}
    for kept in chain(_events(previous(file)), _events(file)):
        key = kept.namespace, kept.inferenceservicename, kept.component, kept.id
        for half in asked.get(key, ()):
            if kept.time >= half.time:  # an earlier one is of another request with this id
                found[key, half.kind] = half
    return list(found.values())


def _events(file: Path) -> Iterator[_Kept]:
    with suppress(FileNotFoundError), file.open("rb") as lines:
        for line in lines:
            with suppress(ValueError):
                yield _decode(line)
