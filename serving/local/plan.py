"""How requests are split next: as Git says, once every arm that shall get more of them may."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from serving.local.splits import Host, Split


@dataclass(frozen=True)
class Readiness:
    """Which arms can answer, of those that are as Git wants them.

    Attributes:
        whole: arms all of whose replicas are ready.
        part: arms of which at least one replica is; the whole ones among them.
        why: why an arm is not ready as a whole, by its name.
    """

    whole: Collection[str]
    part: Collection[str]
    why: Mapping[str, str] = field(default_factory=dict)


def next_host(
    declared: Host, arms: Readiness, before: Host | None, canary: str = ""
) -> tuple[Host, str]:
    """Return how a workload's requests are split now, and what is waited for.

    The declared split holds once every arm whose weight rises may have it; until then the split
    before stays. An arm must be ready as a whole for that. One that serves already, and is not the
    canary, takes weight back as soon as one replica is ready: a canary that was rolled back shall
    not keep its share because a replica of the stable arm does not start. What falls is not waited
    for.

    Where there was no split before, as after a start, the arms that are ready as a whole share the
    requests as soon as the arm with the most weight has a replica that is; else nobody answers.

    Args:
        declared: the split that stands in Git.
        arms: which of them can answer.
        before: the split that the gateway has now.
        canary: name of the arm on trial; empty if there is none, or if nobody knows.
    """
    had = _weights(before) if before else {}
    serves = {arm for arm, weight in had.items() if weight} - {canary} if had else {_main(declared)}
    may_rise = {*arms.whole, *(serves & set(arms.part))}
    weights = {arm: weight for arm, weight in _weights(declared).items() if weight}
    kept = {arm for arm, weight in weights.items() if weight <= had.get(arm, 0)}
    rises = weights.keys() - kept - may_rise
    waits_for = _told(rises | (kept - set(arms.part)), arms)
    if not rises:
        return _with_ready_copies(declared, arms), waits_for
    if before is not None and had:
        return before, waits_for
    return _first(declared, arms, may_rise), waits_for


def _weights(host: Host) -> dict[str, int]:
    splits = [split for split in (host.grpc, host.http) if split]
    return {target.arm: target.weight for split in splits for target in split.targets}


def _main(host: Host) -> str:
    """Return the arm with the most weight."""
    weights = _weights(host)
    return max(weights, key=lambda arm: weights[arm], default="")


def _told(missing: Collection[str], arms: Readiness) -> str:
    return "; ".join(arms.why.get(arm, f"{arm} does not exist") for arm in sorted(missing))


def _first(declared: Host, arms: Readiness, may: Collection[str]) -> Host:
    def among_ready(split: Split | None) -> Split | None:
        if split is None or _main(declared) not in may:
            return None
        return replace(
            split, targets=tuple(target for target in split.targets if target.arm in may)
        )

    http, grpc = among_ready(declared.http), among_ready(declared.grpc)
    return _with_ready_copies(replace(declared, http=http, grpc=grpc), arms)


def _with_ready_copies(host: Host, arms: Readiness) -> Host:
    def kept(split: Split | None) -> Split | None:
        if split is None:
            return None
        return replace(split, copies=tuple(one for one in split.copies if one.arm in arms.whole))

    return replace(host, http=kept(host.http), grpc=kept(host.grpc))
