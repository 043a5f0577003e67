"""Over HTTP people and Prometheus see what the controller makes of everything."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from prometheus_client.parser import text_string_to_metric_families
from rollout_town import Town, town

from millrace.errors import MillraceError
from serving.rollout.board import Board
from serving.rollout.controller import broken
from serving.rollout.page import page


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Shown:
    board: Board
    clock: Clock
    url: str = ""

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"{self.url}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def metrics(self) -> dict[tuple[str, ...], float]:
        """Return samples by name and values of labels, the workload's first."""
        status, text = self.get("/metrics")
        assert status == 200
        return {
            (sample.name, *(sample.labels[name] for name in sorted(sample.labels, reverse=True))): (
                sample.value
            )
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }


@pytest.fixture
def shown() -> Iterator[Shown]:
    clock = Clock()
    made = Shown(Board(clock, stalled=60.0), clock)
    with page(made.board, 0, "127.0.0.1") as port:
        made.url = f"http://127.0.0.1:{port}"
        yield made


def on_trial(shown: Shown) -> Town:
    """Return a town with a canary, whose controller tells the board."""
    made = town()
    made.start()
    made.go(40)
    for status in made.told.values():
        shown.board.tell(status)
    shown.board.turned(looked=made.controller.looked, failures=made.controller.failures)
    return made


def test_the_status_of_each_workload_is_shown_as_it_is(shown: Shown) -> None:
    made = on_trial(shown)
    status, text = shown.get("/status")
    (told,) = json.loads(text)["workloads"]
    assert status == 200
    assert told == made.told["churn"].model_dump(mode="json")
    assert told["weight"] == made.weight > 0


def test_phase_weight_and_verdict_can_be_graphed(shown: Shown) -> None:
    made = on_trial(shown)
    found = shown.metrics()
    assert found["millrace_rollout_phase", "churn", "progressing"] == 1
    assert found["millrace_rollout_phase", "churn", "stable"] == 0
    assert found["millrace_rollout_weight", "churn"] == made.weight
    assert found["millrace_rollout_step", "churn"] == made.told["churn"].step
    verdicts = [key[2] for key, value in found.items() if "_verdict" in key[0] and value]
    assert verdicts == [made.told["churn"].verdict]
    assert found["millrace_rollout_rounds_total",] == 1


def test_a_workload_that_is_gone_from_git_is_gone_here(shown: Shown) -> None:
    on_trial(shown)
    shown.board.turned(looked=False, failures={})
    assert ("millrace_rollout_weight", "churn") in shown.metrics()
    shown.board.tell(broken("flights", "cannot be read", 1.0))
    shown.board.turned(looked=True, failures={})
    found = shown.metrics()
    assert ("millrace_rollout_weight", "churn") not in found
    assert found["millrace_rollout_phase", "flights", "unreadable"] == 1


def test_failures_and_the_age_of_the_last_look_can_be_alerted_on(shown: Shown) -> None:
    shown.board.turned(looked=True, failures={})
    shown.clock.now += 30
    shown.board.turned(looked=False, failures={"repository": 3})
    found = shown.metrics()
    assert found["millrace_rollout_failures_total", "repository"] == 3
    assert found["millrace_rollout_look_age_seconds",] == 30


def test_a_controller_counts_what_fails_by_what_it_is_about() -> None:
    made = town()
    made.start()
    made.go(30)
    assert not any(made.controller.failures.values())
    made.gateway.lost = True
    made.go(20)
    assert made.controller.failures["metrics"] > 0
    assert made.controller.looked


def test_a_loop_that_does_not_turn_is_not_alive(shown: Shown) -> None:
    shown.board.turned(looked=False, failures={})
    shown.clock.now += 60
    assert shown.get("/healthz") == (200, "ok\n")
    shown.clock.now += 1
    status, why = shown.get("/healthz")
    assert status == 503
    assert "not turned for 61 s" in why
    shown.board.turned(looked=False, failures={})
    assert shown.get("/healthz")[0] == 200


def test_another_path_says_which_there_are(shown: Shown) -> None:
    assert shown.get("/")[0] == 404
    assert "/status" in shown.get("/")[1]


def test_a_port_that_is_taken_is_told_in_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with (
            pytest.raises(MillraceError, match="MILLRACE_ROLLOUT_PORT"),
            page(Board(), port, "127.0.0.1"),
        ):
            pass
