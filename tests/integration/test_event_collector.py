"""A real collector keeps what a predictor and KServe's logger send, through ends and faults."""

from __future__ import annotations

import json
import resource
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from millrace.skew.events import read_events
from tests.integration.collectors import Running, collector
from tests.integration.logger_events import Logged, Sent
from tests.integration.predictors import make_bundle, predictor, row, wait_for
from tests.integration.role_blocker import block, foreign_modules

SENT = "millrace_predictor_events_sent_total"


def test_events_of_a_predictor_arrive_whole_without_packages_of_another_role(
    tmp_path: Path,
) -> None:
    block(foreign_modules(Path("requirements/serving.txt")), tmp_path)
    bundle = make_bundle(tmp_path / "bundle")
    with (
        collector(tmp_path / "events", PYTHONPATH=str(tmp_path)) as running,
        predictor(bundle, tmp_path, MILLRACE_EVENTS_URL=running.url) as server,
    ):
        with ThreadPoolExecutor(4) as crowd:
            answers = list(crowd.map(lambda n: server.infer(row(float(n))).json, range(200)))
        wait_for(lambda: server.metric(SENT) == 200, "all events are sent")
        kept = running.kept("default/pumps.jsonl")
        assert sorted(event["id"] for event in kept) == sorted(each["id"] for each in answers)
        assert running.metric('events_received_total{sender="predictor"}') == 200
        assert 0 <= running.metric("events_newest_age_seconds") < 60
        assert running.stop() == 0
    found = list(read_events([tmp_path / "events" / "default" / "pumps.jsonl"], "pumps"))
    assert len(found) == 200
    assert {event.data.parameters.bundle_digest for event in found} == {bundle.digest}


def test_what_a_predictor_is_asked_through_the_logger_is_told_as_it_tells_it(
    tmp_path: Path,
) -> None:
    bundle = make_bundle(tmp_path / "bundle")
    with (
        collector(tmp_path / "events") as running,
        predictor(bundle, tmp_path, f"--events-url={running.url}") as server,
    ):
        asked = {**row(1.5, "south"), "id": "mine"}
        v2 = Logged("ce-2", asked=asked, told=server.infer(asked).body)
        rows = [{"pressure": 1.5, "site": "south"}, {"pressure": None, "site": "x"}]
        v1 = Logged("ce-1", asked={"instances": rows}, told=server.predict(*rows).body)
        assert running.post(v2.response, v2.request, v1.request, v1.response) == [202] * 4
        wait_for(lambda: len(running.kept("default/pumps.jsonl")) == 2, "the predictor told it")
        told = {event["id"]: event for event in running.kept("default/pumps.jsonl")}
        for joined in running.kept():
            ours = told[joined["data"]["id"]]
            assert joined.keys() == ours.keys()
            assert joined["source"] == ours["source"]
            assert ours["data"].pop("origins") == "request"
            assert joined["data"] == ours["data"]
        assert running.metric("events_joined_total") == 2


def test_halves_over_many_connections_become_whole_events_exactly_once(tmp_path: Path) -> None:
    logged = [Logged(str(number)) for number in range(100)]
    halves = [one.request for one in logged] + [one.response for one in reversed(logged)]
    with collector(tmp_path / "events") as running, ThreadPoolExecutor(8) as crowd:
        assert set(crowd.map(lambda half: running.post(half)[0], [*halves, *halves[:50]])) == {202}
        found = {event["id"]: event["data"]["predictions"] for event in running.kept()}
        assert len(running.kept()) == len(found) == 100
        assert found == {one.id: [one.value / 2] for one in logged}
        assert running.metric("events_duplicates_total") == 50


def test_a_late_half_is_told_as_incomplete(tmp_path: Path) -> None:
    with collector(tmp_path / "events", "--wait=200ms") as running:
        running.post(Logged("a").request)
        wait_for(lambda: len(running.kept()) == 1, "the request is kept without its answer")
        running.post(Logged("a").response)
        wait_for(lambda: len(running.kept()) == 2, "the answer is kept without its request")
        assert [event["missing"] for event in running.kept()] == ["response", "request"]


def test_what_was_taken_outlives_a_kill_and_sigterm_keeps_what_waits(tmp_path: Path) -> None:
    folder, taken = tmp_path / "events", []

    def send_on(running: Running) -> None:
        try:
            for number in range(100_000):
                running.post(Logged(f"{number}").request)
                taken.append(number)
                if number % 2:
                    running.post(Logged(f"{number}").response)
        except OSError:
            return

    with collector(folder) as running:
        sender = threading.Thread(target=send_on, args=(running,))
        sender.start()
        wait_for(lambda: len(taken) > 50, "some halves are taken")
        running.kill()
        sender.join()
    with collector(folder) as running:
        running.post(*(Logged(str(number)).response for number in range(0, 20, 2)))
        assert running.stop() == 0
        assert [line["event"] for line in running.logs("stopped")] == ["stopped"]
    kept = {event["id"]: event.get("missing") for event in running.kept()}
    assert len(running.kept()) == len(kept)
    assert {str(number) for number in taken} <= kept.keys()
    assert {kept[str(number)] for number in range(0, 20, 2)} == {None}
    assert {kept[str(number)] for number in range(20, 40, 2)} == {"response"}
    assert {kept[str(number)] for number in range(1, 40, 2)} == {None}
    assert (folder / "waiting.halves").read_bytes() == b""


def test_sigterm_does_not_wait_for_a_client_that_does_not_go_on(tmp_path: Path) -> None:
    with collector(tmp_path / "events") as running:
        running.post(Logged("a").request)
        with socket.create_connection(("127.0.0.1", running.port)) as client:
            client.sendall(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
            running.process.terminate()
            assert running.process.wait(10) == 0  # reading its request may take 15 seconds
        assert [event["missing"] for event in running.kept()] == ["response"]


def test_a_full_disk_is_answered_and_said_once_until_there_is_room(tmp_path: Path) -> None:
    large = Logged("large", asked={"instances": ["x" * 100_000]})
    limited = ("prlimit", "--fsize=65536:")
    with collector(tmp_path / "events", command=limited) as running:
        for _ in range(3):
            status, _, body = running.ask("POST", "/", large.request)
            assert status == 507
            assert json.loads(body)["error"].startswith("events are not kept: ")
        assert len(running.logs("events_not_kept")) == 1
        assert running.post(Logged("a").request, Logged("a").response) == [202, 202]
        assert len(running.logs("events_kept_again")) == 1
        assert [event["id"] for event in running.kept()] == ["a"]
        assert running.metric('events_refused_total{reason="disk"}') == 3
        no_limit = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, no_limit)
        assert running.post(large.request) == [202]


BATCH = "application/cloudevents-batch+json"


@pytest.mark.parametrize(
    ("sent", "status", "reason"),
    [
        (({}, b"{}"), 400, "attributes"),
        (({**Logged("a").request[0], "Ce-Namespace": "../x"}, b"{}"), 400, "names"),
        (({**Logged("a").request[0], "Ce-Inferenceservicename": "..%2fx"}, b"{}"), 400, "names"),
        (({"content-type": BATCH}, b"[{]"), 400, "json"),
        (({"content-type": "application/cloudevents+json"}, b"no"), 400, "json"),
        (({"content-type": "application/cloudevents+xml"}, b"<a/>"), 415, "media"),
        (({"content-length": str(2**40)}, b"{}"), 413, "size"),
    ],
)
def test_what_is_no_event_is_refused_in_a_line_of_json_and_harms_no_other(
    collecting: Running, sent: Sent, status: int, reason: str
) -> None:
    sample = f'events_refused_total{{reason="{reason}"}}'
    before, kept = collecting.metric(sample), len(collecting.kept())
    if status == 413:
        assert _answer_to_a_head(collecting, sent[0]).startswith(b"HTTP/1.1 413 ")
    else:
        found, _, body = collecting.ask("POST", "/", sent)
        assert (found, list(json.loads(body))) == (status, ["error"])
        assert b"\n" not in body
    assert collecting.metric(sample) == before + 1
    logged = Logged(f"after-{before}-{reason}-{sent[0]}"[:900])
    assert collecting.post(logged.request, logged.response) == [202, 202]
    assert len(collecting.kept()) == kept + 1
    assert not (collecting.folder.parent / "x").exists()


def _answer_to_a_head(running: Running, headers: dict[str, str]) -> bytes:
    """Return what is answered to a client that promises a body, and ends."""
    lines = "".join(f"{name}: {text}\r\n" for name, text in headers.items())
    with socket.create_connection(("127.0.0.1", running.port), timeout=20) as client:
        client.sendall(f"POST / HTTP/1.1\r\nhost: x\r\n{lines}\r\n".encode())
        return client.recv(1000)


@pytest.fixture(scope="module")
def collecting(tmp_path_factory: pytest.TempPathFactory) -> Running:
    """Lend a collector to all tests that only refuse."""
    with collector(tmp_path_factory.mktemp("collecting") / "events") as running:
        yield running


def test_it_answers_where_it_is_asked_how_it_is(collecting: Running) -> None:
    assert collecting.ask("GET", "/healthz")[0] == 200
    status, headers, _ = collecting.ask("GET", "/metrics")
    assert (status, headers["content-type"].split(";")[0]) == (200, "text/plain")
    assert collecting.ask("GET", "/")[0] == 404
    assert collecting.ask("PUT", "/")[0] == 405
    logged = Logged("asks")
    assert collecting.ask("POST", "/any/path", logged.request)[1]["accept"] == BATCH


def test_a_second_collector_does_not_start_on_the_same_folder(collecting: Running) -> None:
    with (
        pytest.raises(AssertionError, match="another collector uses it"),
        collector(collecting.folder),
    ):
        pass
    assert collecting.is_alive()


def test_a_folder_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "events").write_text("no folder")
    with pytest.raises(AssertionError) as caught, collector(tmp_path / "events"):
        pass
    [line] = [each for each in str(caught.value).splitlines() if "cannot_serve" in each]
    assert "--folder" in line
