"""Counters become intervals that hold what happened, whatever scrapes, restarts and people do."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millrace.analysis import Interval
from serving.metrics.base import Sample
from serving.metrics.intervals import SplitSince, Tally

STABLE, CANARY = "churn-v7", "churn-v8"
FIRST = [SplitSince(0.0, 0.05)]


def of(
    samples: list[Sample], splits: list[SplitSince] = FIRST, until: float = 1000.0
) -> list[Interval]:
    tally = Tally(10.0)
    tally.feed(samples)
    return tally.intervals(splits, stable=STABLE, canary=CANARY, settling=2.0, until=until)


def scrape(time: float, requests: int, fast: int | None = None, **more: object) -> list[Sample]:
    """Both arms counted the same in one gateway."""
    values = {"requests": requests, "errors": 0, "fast": requests if fast is None else fast}
    instance = str(more.get("instance", "envoy/1"))
    return [
        Sample(time, arm, instance, counter, value)
        for arm in (STABLE, CANARY)
        for counter, value in values.items()
    ]


def requests(found: list[Interval]) -> list[int]:
    return [one.canary.requests for one in found]


def test_an_interval_holds_what_was_counted_within_it() -> None:
    samples = [one for time in range(1, 41) for one in scrape(time, 7 * time, 5 * time)]
    found = of(samples, until=40)
    assert [(one.start, one.end) for one in found] == [(10, 20), (20, 30), (30, 40)]
    assert requests(found) == [70, 70, 70]
    assert [one.stable.slow for one in found] == [20, 20, 20]
    assert all(one.weight == 0.05 for one in found)


def test_an_interval_is_not_used_before_it_is_over() -> None:
    samples = [one for time in range(1, 40) for one in scrape(time, time)]
    assert [one.end for one in of(samples, until=39.9)] == [20, 30]


def test_the_interval_in_which_the_weight_changed_is_left_out_with_the_time_of_settling() -> None:
    samples = [one for time in range(1, 61) for one in scrape(time, time)]
    splits = [*FIRST, SplitSince(29.0, 0.25)]
    assert [(one.start, one.weight) for one in of(samples, splits, until=60)] == [
        (10, 0.05),
        (40, 0.25),
        (50, 0.25),
    ]


def test_intervals_under_a_broken_release_are_left_out() -> None:
    samples = [one for time in range(1, 61) for one in scrape(time, time)]
    splits = [*FIRST, SplitSince(21.0, None), SplitSince(41.0, 0.05)]
    assert [one.start for one in of(samples, splits, until=60)] == [10, 50]


def test_scrapes_that_were_missed_make_one_longer_interval() -> None:
    times = [*range(1, 16), *range(44, 61)]
    samples = [one for time in times for one in scrape(time, time)]
    found = of(samples, until=60)
    assert [(one.start, one.end) for one in found] == [(10, 20), (20, 50), (50, 60)]
    assert sum(requests(found)) == 50


def test_missed_scrapes_with_a_change_of_weight_between_them_are_left_out() -> None:
    times = [*range(1, 16), *range(44, 61)]
    samples = [one for time in times for one in scrape(time, time)]
    found = of(samples, [*FIRST, SplitSince(25.0, 0.25)], until=60)
    assert [(one.start, one.end) for one in found] == [(10, 20), (50, 60)]


def test_a_gateway_that_starts_again_counts_on_from_nothing() -> None:
    samples = [one for time in range(1, 16) for one in scrape(time, 1000 + time)]
    samples += [
        one for time in range(16, 31) for one in scrape(time, time - 15, instance="envoy/2")
    ]
    assert requests(of(samples, until=30)) == [10, 10]


def test_a_counter_that_falls_has_begun_again() -> None:
    samples = [one for time in range(1, 15) for one in scrape(time, 1000 + time)]
    samples += [one for time in range(15, 31) for one in scrape(time, time - 14)]
    assert requests(of(samples, until=30)) == [10, 10]


def test_what_an_instance_counted_before_it_was_ever_seen_is_not_used() -> None:
    samples = [one for time in range(1, 31) for one in scrape(time, time)]
    late = [Sample(time, CANARY, "churn-v8/1/99", "score/0", 5000 + time) for time in range(15, 31)]
    found = of([*samples, *late], until=30)
    assert [one.canary.scores for one in found] == [(5,), (10,)]
    assert [one.stable.scores for one in found] == [(0,), (0,)]


def test_a_counter_that_appears_with_its_first_event_counts_that_event() -> None:
    samples = [
        one
        for time in range(1, 31)
        for one in scrape(time, time)
        if one.counter != "errors" or time > 14
    ]
    samples = [
        Sample(one.time, one.arm, one.instance, one.counter, 3.0)
        if one.counter == "errors"
        else one
        for one in samples
    ]
    assert [one.canary.errors for one in of(samples, until=30)] == [3, 0]


@pytest.mark.parametrize("missing", ["requests", "errors", "fast"])
def test_an_arm_that_does_not_report_a_counter_has_no_data(missing: str) -> None:
    samples = [one for time in range(1, 31) for one in scrape(time, time)]
    some = [one for one in samples if (one.arm, one.counter) != (CANARY, missing)]
    found = of(some, until=30)
    assert requests(found) == [0, 0]
    assert [one.stable.requests for one in found] == [10, 10]


def test_no_samples_at_all_are_intervals_without_data() -> None:
    assert requests(of([], until=40)) == [0, 0, 0]
    assert of([], [], until=40) == []


def test_what_is_no_number_and_what_is_no_bin_is_not_counted() -> None:
    samples = [one for time in range(1, 31) for one in scrape(time, time)]
    odd = [
        Sample(12.0, CANARY, "envoy/1", "requests", float("nan")),
        Sample(12.0, CANARY, "envoy/1", "requests", -5.0),
        Sample(12.0, CANARY, "envoy/1", "score/x", 5.0),
    ]
    assert of([*samples, *odd], until=30) == of(samples, until=30)


@dataclass
class World:
    """One arm's process as it lives, and what of it can be known by scraping."""

    samples: list[Sample] = field(default_factory=list)
    now: float = 0.5
    process: int = 1
    value: int = 0
    unseen: int = 0
    known: int = 0
    seen: bool = False

    def happen(self, what: str, amount: int, scraped: bool, after: float) -> None:
        self.now += after
        falls = what == "reset" and scraped and amount < self.value - self.unseen
        if what == "restart" or falls:
            self.process += what == "restart"
            self.value, self.unseen = 0, 0
        self.value += amount
        self.unseen += amount
        if scraped:
            self.known += self.unseen if self.seen else 0
            self.unseen, self.seen = 0, True
            for counter in ("requests", "errors", "fast"):
                value = 0 if counter == "errors" else self.value
                self.samples.append(
                    Sample(self.now, CANARY, f"envoy/{self.process}", counter, value)
                )


lives = st.lists(
    st.tuples(
        st.sampled_from(["count", "count", "count", "restart", "reset"]),
        st.integers(0, 50),
        st.booleans(),
        st.floats(0.1, 35.0),
    ),
    max_size=40,
)


def lived(life: list[tuple[str, int, bool, float]]) -> World:
    world = World()
    for event in life:
        world.happen(*event)
    return world


@given(lives)
def test_every_request_that_can_be_known_is_in_one_interval(life: list) -> None:  # type: ignore[type-arg]
    world = lived(life)
    found = of(world.samples, [SplitSince(-100.0, 0.5)], until=world.now + 100)
    assert sum(requests(found)) == world.known
    assert all(one.canary.slow == one.canary.errors == 0 for one in found)
    ends = [one.end for one in found]
    assert ends[:-1] == [one.start for one in found[1:]]


@given(lives, st.randoms(), st.lists(st.tuples(st.floats(0, 300), st.floats(0, 1)), max_size=4))
def test_order_does_not_matter_and_nothing_is_negative(
    life: list,  # type: ignore[type-arg]
    random: object,
    changes: list[tuple[float, float]],
) -> None:
    world = lived(life)
    splits = [SplitSince(-100.0, 0.5), *(SplitSince(*change) for change in sorted(changes))]
    expected = of(world.samples, splits)
    mixed = list(world.samples)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert of(mixed, splits) == expected
    assert all(
        min(one.canary.requests, one.canary.slow, one.canary.errors) >= 0 for one in expected
    )
    assert all(not one.start < split.time < one.end for one in expected for split in splits)


@given(lives, st.lists(st.floats(0, 400), max_size=4))
def test_reading_bit_by_bit_finds_what_reading_at_once_finds(
    life: list,  # type: ignore[type-arg]
    cuts: list[float],
) -> None:
    world = lived(life)
    tally = Tally(10.0)
    bounds = [float("-inf"), *sorted(cuts), float("inf")]
    for low, high in pairwise(bounds):
        tally.feed(one for one in world.samples if low < one.time <= high)
    arms = {"stable": STABLE, "canary": CANARY, "settling": 2.0, "until": 500.0}
    assert tally.intervals(FIRST, **arms) == of(world.samples, until=500.0)  # type: ignore[arg-type]
