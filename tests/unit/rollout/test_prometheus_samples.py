"""What Prometheus keeps becomes what happened, whatever restarts, vanishes or is scraped twice."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from envoy_pods import OBJECTIVE, Ended, Pod, Scrapes, objectives
from hypothesis import given
from hypothesis import strategies as st

from millrace.analysis import Interval
from millrace.errors import MetricsError
from serving.metrics.intervals import SplitSince, Tally
from serving.metrics.objectives import Objective
from serving.metrics.prometheus import PrometheusSource
from serving.metrics.prometheus_api import Series
from serving.metrics.scraped import bound_of, gateway_samples, score_samples

STABLE, CANARY = "churn-v7", "churn-v8"
ENDED = Ended()


def source(scrapes: Scrapes) -> PrometheusSource:
    return PrometheusSource(scrapes, ["models", "other"], objectives)


def intervals(scrapes: Scrapes, until: float, step: float = 1000.0) -> list[Interval]:
    """Return intervals of 10 s as the controller reads them, some seconds at a time."""
    tally, low = Tally(10.0), 0.0
    while low < until:
        high = min(low + step, until)
        found = source(scrapes).samples([STABLE, CANARY], low, high)
        tally.feed(one for one in found if one.time > low)
        low = high
    splits = [SplitSince(0.0, 0.5)]
    return tally.intervals(splits, stable=STABLE, canary=CANARY, settling=0.0, until=until)


def totals(found: list[Interval], start: float = 0.0) -> Counter[str]:
    """Return what the arms did in all intervals from a time on."""
    added: Counter[str] = Counter()
    for one in found:
        if one.start >= start:
            for name in ("stable", "canary"):
                counts = getattr(one, name)
                added[f"{name} requests"] += counts.requests
                added[f"{name} errors"] += counts.errors
                added[f"{name} slow"] += counts.slow
    return +added


def test_outcomes_add_up_to_what_the_arm_did() -> None:
    pod, scrapes = Pod("envoy-a"), Scrapes()
    pod.counted.update([ENDED, replace(ENDED, arm=CANARY)])
    scrapes.scrape(5, pod)
    pod.counted.update(
        {
            ENDED: 8,
            replace(ENDED, took=60): 2,
            replace(ENDED, code="503", took=1): 3,
            replace(ENDED, code="0", flags="DC", took=10): 4,
            replace(ENDED, code="0", flags="DC", took=80): 1,
            replace(ENDED, attempts="2"): 1,
            replace(ENDED, grpc="13", cluster="grpcroute/models/churn-grpc/rule/0/backend/0"): 1,
        }
    )
    scrapes.scrape(15, pod)
    assert totals(intervals(scrapes, 20)) == {
        "stable requests": 16,
        "stable errors": 6,
        "stable slow": 3,
    }


def test_an_outcome_that_first_happens_later_counts_from_nothing() -> None:
    pod, scrapes = Pod("envoy-a"), Scrapes()
    pod.counted[ENDED] = 1000
    scrapes.scrape(5, pod)
    pod.counted[replace(ENDED, arm=CANARY, code="500")] = 3
    scrapes.scrape(15, pod)
    assert totals(intervals(scrapes, 20)) == {"canary requests": 3, "canary errors": 3}


def test_a_series_that_vanishes_makes_up_nothing_and_takes_nothing_back() -> None:
    pod, scrapes = Pod("envoy-a"), Scrapes()
    failed = replace(ENDED, code="503")
    pod.counted.update({ENDED: 1000, failed: 50})
    scrapes.scrape(5, pod)
    del pod.counted[failed]
    pod.counted[ENDED] += 10
    scrapes.scrape(15, pod)
    pod.counted.update({ENDED: 10, failed: 52})
    scrapes.scrape(25, pod)
    assert totals(intervals(scrapes, 30)) == {"stable requests": 22, "stable errors": 2}


def test_a_container_that_starts_again_counts_from_nothing() -> None:
    pod, scrapes = Pod("envoy-a"), Scrapes()
    pod.counted.update({ENDED: 1000, replace(ENDED, code="503"): 50})
    scrapes.scrape(5, pod)
    pod.counted = Counter({ENDED: 7})
    scrapes.scrape(15, pod)
    assert totals(intervals(scrapes, 20)) == {"stable requests": 7}


def test_pods_that_served_for_days_do_not_count_them_when_they_are_first_looked_at() -> None:
    pods, scrapes = [Pod("envoy-a"), Pod("envoy-b")], Scrapes()
    for pod in pods:
        pod.counted[ENDED] = 1_000_000
    for start in (10, 20, 30):
        for at, pod in enumerate(pods):  # no pod is scraped at the time of another
            pod.counted[ENDED] += 5
            scrapes.scrape(start + 3 * at, pod)
    assert totals(intervals(scrapes, 40)) == {"stable requests": 20}


def test_a_pod_that_takes_anothers_place_counts_from_its_second_scrape() -> None:
    old, new, scrapes = Pod("envoy-a"), Pod("envoy-b"), Scrapes()
    old.counted[ENDED] = 1000
    scrapes.scrape(5, old)
    new.counted[ENDED] = 10
    scrapes.scrape(15, new)
    new.counted[ENDED] = 13
    scrapes.scrape(25, new)
    assert totals(intervals(scrapes, 30)) == {"stable requests": 3}


def test_a_pod_that_two_jobs_scrape_is_counted_once() -> None:
    pod, scrapes = Pod("envoy-a", {"job": "a"}), Scrapes()
    again = Pod("envoy-a", {"job": "b"}, pod.counted)
    for time in (5, 15, 25):
        pod.counted[ENDED] += 10
        scrapes.scrape(time, pod)
        scrapes.scrape(time + 1, again)
    assert totals(intervals(scrapes, 30)) == {"stable requests": 20}


def test_only_what_went_through_a_route_of_the_workload_is_asked_for() -> None:
    scrapes = Scrapes()
    source(scrapes).samples([STABLE, CANARY], 0, 10)
    gateway, scores = scrapes.selectors
    assert gateway == (
        'envoy_arms_request_bucket{arm=~"churn\\\\-v7|churn\\\\-v8",'
        'cluster=~"httproute/(models|other)/churn/.+|grpcroute/(models|other)/churn-grpc/.+",'
        'namespace!~"models|other",le=~"50|50\\\\.0|\\\\+Inf"}'
    )
    assert scores == (
        'millrace_predictor_scores_total{arm=~"churn\\\\-v7|churn\\\\-v8",'
        'namespace=~"models|other"}'
    )


def test_a_gateway_without_the_bound_of_the_objective_makes_no_answer_slow() -> None:
    labels = {"arm": STABLE, "code": "200", "pod": "envoy-a"}
    found = [Series({**labels, "le": le}, [(5.0, 9.0)]) for le in ("25", "+Inf")]
    with pytest.raises(MetricsError, match="below 50 ms"):
        gateway_samples(found, {STABLE: OBJECTIVE})


@pytest.mark.parametrize(
    ("seconds", "bound"), [(0.05, 50), (0.051, 70), (0.0005, 1), (5, 5000), (9, float("inf"))]
)
def test_an_objective_between_two_bounds_is_rounded_up(seconds: float, bound: float) -> None:
    assert bound_of(Objective(seconds, "")) == bound


def test_bounds_are_read_as_prometheus_2_and_3_write_them() -> None:
    labels = {"arm": STABLE, "code": "200", "pod": "envoy-a"}
    found = [Series({**labels, "le": "50.0"}, [(5, 7)]), Series({**labels, "le": "+Inf"}, [(5, 9)])]
    values = {one.counter: one.value for one in gateway_samples(found, {STABLE: OBJECTIVE})}
    assert values == {"requests": 9, "errors": 0, "fast": 7}


def test_another_objective_is_another_instance() -> None:
    pod, scrapes = Pod("envoy-a"), Scrapes()
    pod.counted[ENDED] = 1
    scrapes.scrape(5, pod)
    found = scrapes.raw("envoy_arms_request_bucket", 0, 10)
    instances = {
        one.instance.split("/")[1]
        for objective in (OBJECTIVE, Objective(0.1, "100ms"))
        for one in gateway_samples(found, {STABLE: objective})
    }
    assert instances == {"50ms", "100ms"}


def test_scores_are_counted_by_bin_and_pod() -> None:
    found = [
        Series({"arm": arm, "bin": number, "pod": pod}, [(5.0, 3.0)])
        for arm, pod in [(CANARY, "a"), (CANARY, "b"), ("churn-v9", "a")]
        for number in ("0", "1", "x")
    ]
    samples = score_samples(found, [STABLE, CANARY])
    assert {(one.counter, one.value) for one in samples} == {("score/0", 3), ("score/1", 3)}
    places = {one.instance.rpartition("/")[0].split("/")[1] for one in samples}
    assert {one.arm for one in samples} == {CANARY}
    assert places == {"a", "b"}


requests = st.builds(
    Ended,
    arm=st.sampled_from([STABLE, CANARY]),
    code=st.sampled_from(["200", "503"]),
    took=st.sampled_from([10.0, 60.0]),
)


@given(
    rounds=st.lists(st.lists(st.tuples(requests, st.sampled_from([0, 1]))), min_size=1, max_size=8),
    step=st.sampled_from([7.0, 10.0, 1000.0]),
)
def test_every_request_after_the_first_scrape_counts_once(
    rounds: list[list[tuple[Ended, int]]], step: float
) -> None:
    pods, scrapes = [Pod("envoy-a"), Pod("envoy-b")], Scrapes()
    for pod in pods:
        pod.counted.update([ENDED, replace(ENDED, arm=CANARY)])
    scrapes.scrape(5, *pods)
    sent: Counter[str] = Counter()
    for number, some in enumerate(rounds):
        for ended, index in some:
            pods[index].counted[ended] += 1
            name = "stable" if ended.arm == STABLE else "canary"
            sent[f"{name} requests"] += 1
            sent[f"{name} errors"] += ended.code == "503"
            sent[f"{name} slow"] += ended.took > 50
        scrapes.scrape(15 + 10 * number, *pods)
    assert totals(intervals(scrapes, 20 + 10 * len(rounds), step)) == +sent
