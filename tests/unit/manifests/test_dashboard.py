"""The dashboard asks for what is counted, and for nothing else."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from overlays import CHART
from prometheus_client.parser import text_string_to_metric_families

from serving.events.counts import Counts
from serving.metrics.prometheus import REQUESTS
from serving.predictor.exposition import Exposition
from serving.predictor.layout import layout_for
from serving.predictor.metrics import private_cells
from serving.rollout.board import Board
from serving.rollout.exposition import BoardMetrics
from serving.rollout.status import RolloutStatus

DASHBOARD: dict[str, Any] = json.loads((CHART / "dashboards/millrace.json").read_text())
QUERIES = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
BY_SCRAPE = {"arm", "workload", "le"}
"""Labels that a scrape adds, and that of buckets."""


def pages() -> Iterator[bytes]:
    """Yield the metrics of each part of the platform, with something to tell."""
    labels = {"model": "churn", "version": "1", "digest": "d"}
    yield Exposition(layout_for(0.04, 0.02, bins=3), [private_cells()], labels).page("")[0]
    yield Counts().page("")[0]
    board = Board()
    told = {"workload": "churn", "phase": "progressing", "step": 0, "steps": 2, "verdict": "hold"}
    more = {"since": 0, "started": 0, "canary": "churn-v2", "reason": "", "written": 0}
    board.tell(RolloutStatus.model_validate(told | more))
    board.turned(looked=True, failures={"forge": 1})
    yield BoardMetrics(board).page("")[0]


def counted() -> dict[str, set[str]]:
    """Return the labels of every metric by its name."""
    gateway = REQUESTS.removesuffix("_bucket")
    labels = {"arm", "cluster", "code", "grpc", "attempts", "flags"}
    found = {f"{gateway}_{end}": labels for end in ("bucket", "count", "sum")}
    for page in pages():
        for family in text_string_to_metric_families(page.decode()):
            for sample in family.samples:
                found.setdefault(sample.name, set()).update(sample.labels)
    return found


def named(query: str) -> set[str]:
    return set(re.findall(r"\b(?:millrace|envoy)_\w+", query))


def test_every_panel_asks_for_a_metric_that_is_counted() -> None:
    choices = [one["query"]["query"] for one in DASHBOARD["templating"]["list"][1:]]
    asked = {name for query in [*QUERIES, *choices] for name in named(query)}
    assert asked - set(counted()) == set()


@pytest.mark.parametrize("query", QUERIES)
def test_what_a_panel_sums_by_is_a_label_of_the_metric(query: str) -> None:
    known = set.union(BY_SCRAPE, *(counted()[name] for name in named(query)))
    by = {one for words in re.findall(r"by \(([^)]*)\)", query) for one in words.split(", ")}
    assert by - known == set()


def test_the_share_of_an_arm_is_that_in_its_own_workload() -> None:
    shares = next(one for one in DASHBOARD["panels"] if one["title"] == "Share of the traffic")
    query = shares["targets"][0]["expr"]
    assert "/ on (workload) group_left sum by (workload)" in query
    above, below = re.findall(r'"workload", "\$1", "arm", "([^"]*)"', query)
    assert above == below
    workloads = {"churn-v1": "churn", "churn-v12": "churn", "a-v2-v3": "a-v2", "own": "own"}
    for arm, workload in workloads.items():
        found = re.fullmatch(above, arm)
        assert found is not None
        assert found[1] == workload


def test_the_rollout_controller_is_on_the_dashboard() -> None:
    shown = {name for query in QUERIES for name in named(query)}
    wanted = {"phase", "weight", "verdict", "look_age_seconds", "failures_total"}
    assert {f"millrace_rollout_{one}" for one in wanted} <= shown
