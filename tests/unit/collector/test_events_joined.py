"""A request and its answer become one event, once, whatever comes when."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from collector_worlds import WAIT, Collecting
from hypothesis import given, settings
from hypothesis import strategies as st

from millrace.skew.events import read_events
from tests.integration.logger_events import Logged


@pytest.mark.parametrize("answer_first", [False, True])
def test_the_halves_of_a_request_become_one_event_in_the_predictors_shape(
    tmp_path: Path, answer_first: bool
) -> None:
    world, logged = Collecting(tmp_path), Logged("a", second=7)
    halves = [logged.request, logged.response]
    world.take(*(reversed(halves) if answer_first else halves))
    assert world.kept() == [
        {
            "specversion": "1.0",
            "type": "org.kubeflow.serving.inference.request",
            "source": "/models/pumps/versions/3",
            "inferenceservicename": "pumps-v3",
            "namespace": "models",
            "component": "predictor",
            "endpoint": "default",
            "datacontenttype": "application/json",
            "id": "a",
            "time": "2026-01-02T03:04:07.2Z",
            "data": {
                "model_name": "pumps",
                "model_version": "3",
                "parameters": {"bundle_digest": "d" * 64},
                "id": "answer-a",
                "instances": [{"pressure": 97.0}],
                "predictions": [48.5],
            },
        }
    ]
    assert (world.count("events_joined_total"), world.count("events_waiting")) == (1, 0)
    world.pass_by(2 * WAIT)
    assert len(world.kept()) == 1


@st.composite
def interleaved(draw: st.DrawFn) -> list[tuple[str, int, bool]]:
    """Return halves of requests in any order, some of them twice, and after which it is killed."""
    names = draw(st.lists(st.sampled_from("abcdefgh"), unique=True, min_size=1))
    halves = [(name, place) for name in names for place in (0, 1)]
    order = draw(st.permutations(halves))
    found: list[tuple[str, int, bool]] = []
    for name, place in order:
        fate = draw(st.sampled_from(["once"] * 8 + ["twice", "killed"]))
        found += [(name, place, fate == "killed")] * (2 if fate == "twice" else 1)
    return found


@settings(max_examples=60, deadline=None)
@given(interleaved())
def test_any_order_of_halves_gives_each_event_exactly_once(
    order: list[tuple[str, int, bool]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = Collecting(Path(folder))
        for name, place, killed in order:
            logged = Logged(name)
            world.take((logged.request, logged.response)[place])
            world = Collecting(Path(folder)) if killed else world
        world.pass_by(2 * WAIT)
        found = {event["id"]: event["data"] for event in world.kept()}
        names = {name for name, _, _ in order}
        assert len(world.kept()) == len(found) == len(names)
        for name in names:
            value = Logged(name).value
            assert found[name]["instances"] == [{"pressure": value}]
            assert found[name]["predictions"] == [value / 2]


def test_the_same_id_elsewhere_is_another_request(tmp_path: Path) -> None:
    world = Collecting(tmp_path)
    world.take(Logged("a").request, Logged("a", namespace="other").response)
    world.take(Logged("a", service="pumps-v4").response)
    world.take(Logged("a", component="transformer").response)
    assert world.count("events_waiting") == 4
    world.take(Logged("a", namespace="other").request)
    assert [event["namespace"] for event in world.kept("other/pumps.jsonl")] == ["other"]
    assert world.kept() == []


def test_a_half_without_the_other_is_kept_as_incomplete_after_a_while(tmp_path: Path) -> None:
    world = Collecting(tmp_path)
    world.take(Logged("a").request)
    world.pass_by(WAIT / 2)
    world.take(Logged("b").response)
    world.pass_by(WAIT / 2)
    [refused] = world.kept()
    assert (refused["missing"], refused["data"]["instances"]) == ("response", [{"pressure": 97.0}])
    assert "predictions" not in refused["data"]
    world.pass_by(WAIT / 2)
    _, unasked = world.kept()
    assert (unasked["missing"], unasked["data"]["predictions"]) == ("request", [49.0])
    assert "instances" not in unasked["data"]
    assert unasked["type"].endswith("response")
    assert world.count('events_incomplete_total{missing="response"}') == 1
    assert world.count('events_incomplete_total{missing="request"}') == 1
    world.take(Logged("a").response)  # too late
    world.pass_by(WAIT)
    assert [event["missing"] for event in world.kept()] == ["response", "request", "request"]


def test_a_half_that_comes_twice_counts_once(tmp_path: Path) -> None:
    world, logged = Collecting(tmp_path), Logged("a")
    world.take(logged.request, logged.request, logged.response, logged.response, logged.request)
    world.pass_by(2 * WAIT)
    assert len(world.kept()) == 1
    assert world.count("events_duplicates_total") == 3


def test_a_client_that_uses_an_id_again_is_told_apart_by_time(tmp_path: Path) -> None:
    world = Collecting(tmp_path)
    for second in range(3):
        world.take(Logged("a", second=second).request, Logged("a", second=second).response)
    assert len(world.kept()) == 3
    world.take(Logged("a", second=8).request, Logged("a", second=9).request)
    assert [event.get("missing") for event in world.kept()] == [None] * 3 + ["response"]


def test_of_too_many_halves_the_oldest_waits_no_longer(tmp_path: Path) -> None:
    world = Collecting(tmp_path, most=3)
    world.take(*(Logged(name).request for name in "abcde"))
    assert [event["id"] for event in world.kept()] == ["a", "b"]
    assert world.count("events_waiting") == 3
    large = Collecting(tmp_path / "large", most_bytes=40_000)
    for name in "abcde":
        large.take(Logged(name, asked={"instances": ["x" * 15_000]}).request)
    assert [event["id"] for event in large.kept()] == ["a", "b", "c"]


def test_what_waits_survives_a_kill_and_what_was_written_is_not_written_again(
    tmp_path: Path,
) -> None:
    world = Collecting(tmp_path)
    world.take(Logged("a").request, Logged("b").request, Logged("c").response)
    journal = tmp_path / "waiting.halves"
    before = journal.read_bytes()
    world.take(Logged("b").response)
    journal.write_bytes(before + b'{"half": {"names')  # killed before it noted that b is written
    world = Collecting(tmp_path)
    assert world.count("events_waiting") == 2
    world.take(Logged("a").response, Logged("c").request)
    world.pass_by(2 * WAIT)
    assert [event["id"] for event in world.kept()] == ["b", "a", "c"]
    assert journal.read_bytes() == b""


def test_a_journal_of_somebody_else_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "waiting.halves").write_text("{}\nhello\n")
    with pytest.raises(ValueError, match=r"waiting\.halves:2 is of no collector"):
        Collecting(tmp_path)


def test_the_journal_does_not_grow_with_what_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.events.journal.MOST_BYTES", 10_000)
    world = Collecting(tmp_path)
    world.take(Logged("waits").request)
    for number in range(100):
        world.take(Logged(str(number)).request, Logged(str(number)).response)
    world.pass_by(1)
    assert (tmp_path / "waiting.halves").stat().st_size < 1000
    assert Collecting(tmp_path).count("events_waiting") == 1


def test_skew_reads_what_is_kept_and_knows_that_origins_are_not(tmp_path: Path) -> None:
    world = Collecting(tmp_path)
    lists = {"instances": [[1.0, [2.0]], {"pressure": True}]}
    for logged in (
        Logged("joined"),
        Logged("lists", asked=lists, told={"predictions": [1, 2]}),
        Logged("binary", asked=b"\x00\xff"),
    ):
        world.take(logged.request, logged.response)
    world.take(Logged("half").request, Logged("other").response)
    world.pass_by(2 * WAIT)
    found = list(read_events([tmp_path / "models" / "pumps.jsonl"], "pumps"))
    assert [event.data.id for event in found] == ["answer-joined", "lists", "half"]
    assert [event.data.origins for event in found] == [None] * 3
    assert [len(event.data.instances) for event in found] == [1, 2, 1]
