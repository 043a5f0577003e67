"""What workers count is shown as Prometheus reads it, whichever worker counted it."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from serving.predictor.exposition import Exposition
from serving.predictor.layout import CELLS, Layout, layout_for
from serving.predictor.metrics import Metrics, private_cells, shared_cells

EDGES = (0.25, 0.5)
LAYOUT = layout_for(0.04, 0.02, bins=3)
LABELS = {"model": "pumps", "version": "3", "digest": "d"}


def shown(*cells: "memoryview[float]") -> dict[tuple[str, ...], float]:
    page, _ = Exposition(LAYOUT, cells, LABELS).page("")
    return {
        (sample.name.removeprefix("millrace_predictor_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(page.decode())
        for sample in family.samples
    }


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(private_cells(), LAYOUT, EDGES)


def test_the_objective_and_the_lookup_timeout_are_bounds() -> None:
    assert 0.04 in LAYOUT.latency
    assert 0.02 in LAYOUT.lookup
    assert layout_for(0.05, 0.05, 3).latency == tuple(sorted(set(LAYOUT.latency) - {0.04}))


def test_requests_are_counted_by_code_and_protocol(metrics: Metrics) -> None:
    metrics.request("v2", 200, 0.04, "a")
    metrics.request("v2", 200, 0.041, "b")
    metrics.request("grpc", 400, 9.0, "c")
    metrics.request("v1", 299, 0.0, "d")
    found = shown(metrics.cells)
    assert found["requests_total", "200", "v2"] == 2
    assert found["requests_total", "400", "grpc"] == 1
    assert found["requests_total", "503", "v1"] == 1
    assert found["request_duration_seconds_bucket", "0.04"] == 2
    assert found["request_duration_seconds_bucket", "0.05"] == 3
    assert found["request_duration_seconds_bucket", "+Inf"] == 4
    assert found["request_duration_seconds_count",] == 4
    assert found["request_duration_seconds_sum",] == pytest.approx(9.081)


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=20))
def test_scores_fall_into_bins_that_are_closed_on_the_left(scores: list[float]) -> None:
    one, many = (Metrics(private_cells(), LAYOUT, EDGES) for _ in range(2))
    many.scores(np.array(scores, np.float32).reshape(-1, 1))
    for score in scores:
        one.scores(np.array([[score]], np.float32))
    found = shown(many.cells)
    assert found == shown(one.cells)
    counts = [found["scores_total", str(place)] for place in range(3)]
    assert counts[0] == sum(score < 0.25 for score in scores)
    assert counts[2] == sum(score >= 0.5 for score in scores)


def test_other_things_are_counted(metrics: Metrics) -> None:
    metrics.degraded()
    metrics.events_sent(3)
    metrics.events_dropped(2)
    metrics.lookup(0.015)
    metrics.ready(True)
    found = shown(metrics.cells)
    assert found["degraded_total",] == 1
    assert found["events_sent_total",] == 3
    assert found["events_dropped_total",] == 2
    assert found["lookup_duration_seconds_bucket", "0.01"] == 0
    assert found["lookup_duration_seconds_bucket", "0.02"] == 1
    assert found["ready",] == 1
    assert found["info", "d", "pumps", "3"] == 1


def test_workers_are_summed_and_one_that_died_is_counted_on(tmp_path: Path) -> None:
    files = [tmp_path / "0", tmp_path / "1"]
    seen = [shared_cells(file) for file in files]
    for file in files:
        Metrics(shared_cells(file), LAYOUT, EDGES).request("v2", 200, 0.001, "a")
    Metrics(shared_cells(files[0]), LAYOUT, EDGES).request("v2", 200, 0.001, "b")
    assert shown(*seen)["requests_total", "200", "v2"] == 3


def test_no_layout_outgrows_the_cells_or_overlaps() -> None:
    layout = layout_for(0.05, 0.02, bins=50)
    assert layout.end < CELLS
    assert Layout.REQUESTS < layout.latency_start < layout.lookup_start < layout.scores_start
    assert layout.request("grpc", 503) == layout.latency_start - 1
