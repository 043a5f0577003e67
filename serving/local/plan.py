"""How requests are split next: as Git says, once every arm that shall get some is ready."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from serving.local.splits import Host, Split


def next_host(
    declared: Host, ready: Collection[str], why: Mapping[str, str], before: Host | None
) -> tuple[Host, str]:
    """Return how a workload's requests are split now, and what the declared split waits for.

    The declared split holds once all its arms with weight are ready. Until then the split before
    stays. Where there was none, as after a start, the arms that are ready share the requests as
    soon as the arm with the most weight is among them; else nobody answers.

    Args:
        declared: the split that stands in Git.
        ready: names of the arms that are ready.
        why: why an arm is not ready, by its name.
        before: the split that the gateway has now.
    """
    missing = sorted(_weighty(declared) - set(ready))
    if not missing:
        return _with_ready_copies(declared, ready), ""
    waits_for = "; ".join(why.get(arm, f"{arm} does not exist") for arm in missing)
    if before is not None and (before.http or before.grpc):
        return before, waits_for
    return _first(declared, ready), waits_for


def _weighty(host: Host) -> set[str]:
    splits = [split for split in (host.http, host.grpc) if split]
    return {target.arm for split in splits for target in split.targets if target.weight}


def _first(declared: Host, ready: Collection[str]) -> Host:
    def among_ready(split: Split | None) -> Split | None:
        if split is None or max(split.targets, key=lambda one: one.weight).arm not in ready:
            return None
        return replace(
            split, targets=tuple(target for target in split.targets if target.arm in ready)
        )

    http, grpc = among_ready(declared.http), among_ready(declared.grpc)
    return _with_ready_copies(replace(declared, http=http, grpc=grpc), ready)


def _with_ready_copies(host: Host, ready: Collection[str]) -> Host:
    def kept(split: Split | None) -> Split | None:
        if split is None:
            return None
        return replace(split, copies=tuple(one for one in split.copies if one.arm in ready))

    return replace(host, http=kept(host.http), grpc=kept(host.grpc))
