"""From raw samples of counters and the history of weights to intervals that can be compared.

Counters are corrected for resets here. A series is one counter of one arm in one instance; a value
that falls has started again from 0. The first sample of a series counts from 0 only if its place
(what stands before the last `/` of the instance: `envoy/50ms`, or `churn-v7/0`) was seen before:
then either the same process had not counted this yet, or another process took the place since. A
series in a place never seen before may have counted for hours, at other weights and unseen, or by
another objective: its first sample is where counting begins.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from millrace.analysis import ArmCounts, Interval
from serving.metrics.base import Sample

_NEEDED = ("requests", "errors", "fast")


@dataclass(frozen=True)
class SplitSince:
    """How traffic was split from a time on.

    Attributes:
        time: Unix time in seconds at which it came to stand in Git.
        weight: share of the canary, 0 to 1; None if what stood there cannot be read.
    """

    time: float
    weight: float | None


class Tally:
    """Counts per arm and cell, fed batch by batch; a cell is an aligned span of `length` seconds.

    Memory goes with cells, not with samples: a day of scrapes need not be read at once or twice.
    """

    def __init__(self, length: float) -> None:
        self._length = length
        self._last: dict[tuple[str, str, str], tuple[float, float]] = {}
        self._places: dict[str, tuple[float | None, float]] = {}
        self._reported: set[tuple[str, str]] = set()
        self._cells: dict[tuple[str, int], Counter[str]] = {}
        self._since: dict[int, float] = {}
        self._gaps: set[tuple[int, int]] = set()

    def feed(self, samples: Iterable[Sample]) -> None:
        """Count samples in any order; all of them later than those of the batch before."""
        for sample in sorted(samples, key=lambda one: (one.time, one.value)):
            if math.isfinite(sample.value) and sample.value >= 0:
                self._count(sample)

    def intervals(
        self,
        splits: Sequence[SplitSince],
        *,
        stable: str,
        canary: str,
        settling: float,
        until: float,
    ) -> list[Interval]:
        """Return the closed intervals in which both arms had weight, oldest first.

        An interval is one cell. It is several where no scrape told them apart; their counts
        cannot be, either. One through which the split did not stay the same is left out.
        One in which nothing was counted is there, with zeros.

        Args:
            splits: every split since the canary came, oldest first.
            stable: name of the stable arm.
            canary: name of the canary arm.
            settling: seconds that a gateway takes to follow Git.
            until: Unix time; intervals that end later are not closed.
        """
        if not splits:
            return []
        first = math.floor(splits[0].time / self._length)
        stop = math.floor(until / self._length)
        times = [split.time for split in splits]
        nothing = ArmCounts(0, 0, 0, (0,) * self._bins())
        found = []
        for low, high in self._groups(first, stop):
            start, end = low * self._length, high * self._length
            began = min([start, *(self._since.get(cell, start) for cell in range(low, high))])
            index = bisect_right(times, began) - 1
            if not _steady(times, index, end, began - settling):
                continue
            weight = splits[index].weight
            if weight is not None and 0 < weight < 1:
                counted = (self._counts(arm, low, high, nothing) for arm in (stable, canary))
                found.append(Interval(start, end, weight, *counted))
        return found

    def _count(self, sample: Sample) -> None:
        place = sample.instance.rpartition("/")[0] or sample.instance
        before, latest = self._places.get(place, (None, sample.time))
        if sample.time > latest:
            before, latest = latest, sample.time
        self._places[place] = (before, latest)
        self._reported.add((sample.arm, sample.counter))
        series = (sample.arm, sample.instance, sample.counter)
        since, value = self._last.get(series, (before, 0.0))
        self._last[series] = (sample.time, sample.value)
        if since is not None:
            fell = sample.value < value
            self._add(sample, since, round(sample.value - (0.0 if fell else value)))

    def _add(self, sample: Sample, since: float, amount: int) -> None:
        """Add what was counted after `since` to the cell in which it was read."""
        if amount == 0:
            return
        low = math.floor(since / self._length)
        high = math.ceil(sample.time / self._length) - 1
        self._cells.setdefault((sample.arm, high), Counter())[sample.counter] += amount
        self._since[high] = min(since, self._since.get(high, since))
        if high - low > 1:
            self._gaps.add((low + 1, high))

    def _groups(self, first: int, stop: int) -> Iterable[tuple[int, int]]:
        """Return ranges of cells that only together are known."""
        gaps = sorted(gap for gap in self._gaps if gap[1] >= first)
        low, index = first, 0
        while low < stop:
            high = low + 1
            while index < len(gaps) and gaps[index][0] < high:
                high = max(high, gaps[index][1] + 1)
                index += 1
            if high > stop:
                return
            yield low, high
            low = high

    def _bins(self) -> int:
        numbers = [name[6:] for _, name in self._reported if name.startswith("score/")]
        return 1 + max((int(number) for number in numbers if number.isdecimal()), default=-1)

    def _counts(self, arm: str, low: int, high: int, nothing: ArmCounts) -> ArmCounts:
        """Return what an arm did in some cells; nothing, if it does not report all it should."""
        cells = [self._cells[arm, cell] for cell in range(low, high) if (arm, cell) in self._cells]
        if not cells or any((arm, name) not in self._reported for name in _NEEDED):
            return nothing
        total = cells[0] if len(cells) == 1 else sum(cells, Counter())
        requests = total["requests"]
        return ArmCounts(
            requests,
            min(total["errors"], requests),
            max(requests - total["fast"], 0),
            tuple(total[f"score/{number}"] for number in range(len(nothing.scores))),
        )


def _steady(times: Sequence[float], index: int, end: float, settled: float) -> bool:
    """Return whether the split of this index had settled and stayed to the end."""
    if index < 0 or times[index] > settled:
        return False
    return index + 1 == len(times) or times[index + 1] >= end
