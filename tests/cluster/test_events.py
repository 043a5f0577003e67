"""Predictions reach the sink as events of one shape, whoever sends them."""

import json
from typing import Any
from uuid import uuid4

from tests.cluster.cluster_world import ARMS, PLATFORM, World, wait_for
from tests.cluster.test_storage import service
from tests.integration.predictors import MODEL, ServedBundle, row
from tools.kind.environment import GATEWAY


def kept(world: World, name: str) -> list[dict[str, Any]]:
    """Return the events that the sink keeps of a workload in the namespace of arms."""
    done = world.tried(
        *("exec", "--namespace", PLATFORM, "statefulset/millrace-events", "--"),
        *("sh", "-c", f"cat /events/{ARMS}/{name}.jsonl"),
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return [event for line in lines for event in (line if isinstance(line, list) else [line])]


def test_an_event_of_our_predictor_reaches_the_sink(pumps: World) -> None:
    name = f"of-the-predictor-{uuid4()}"
    answer = pumps.ask(headers={"x-request-id": name})
    assert answer.status_code == 200

    def arrived() -> list[dict[str, Any]]:
        return [one for one in kept(pumps, MODEL) if one["id"] == name]

    (event,) = wait_for(arrived, "the event is kept")
    assert event["inferenceservicename"] == f"{MODEL}-v1"
    assert event["namespace"] == ARMS
    assert event["data"]["predictions"] == answer.json()["outputs"][0]["data"]
    assert event["data"]["instances"] == [{"pressure": 0.0, "site": "north"}]


def test_kserves_logger_sends_events_of_the_same_shape(pumps: World, bundle: ServedBundle) -> None:
    import requests

    logged = service("logged-v1", pumps.publish(bundle), bundle.digest)
    predictor = logged["spec"]["predictor"]
    predictor["logger"] = {"mode": "all", "url": f"http://millrace-events.{PLATFORM}"}
    predictor["model"]["args"].append("--events-url=")
    before = len(kept(pumps, "logged"))
    pumps.apply(logged)
    try:
        pumps.wait_until_ready("logged-v1")
        host = {"Host": f"logged-v1-{ARMS}.millrace.localhost"}

        def asked() -> requests.Response | None:
            answer = requests.post(
                f"{GATEWAY}/v2/models/{MODEL}/infer", json=row(), headers=host, timeout=10
            )
            return answer if answer.ok else None

        answer = wait_for(asked, "KServe's agent passes requests on")

        def arrived() -> list[dict[str, Any]]:
            return [one for one in kept(pumps, "logged")[before:] if "predictions" in one["data"]]

        event = wait_for(arrived, "the joined event is kept", 60)[0]
        ours = kept(pumps, MODEL)[-1]
        assert set(event) >= {key for key in ours if key != "data"} - {"source"}
        assert event["data"]["instances"] == [{"pressure": 0.0, "site": "north"}]
        assert event["data"]["predictions"] == answer.json()["outputs"][0]["data"]
        assert event["type"] == ours["type"]
        assert event["inferenceservicename"] == "logged-v1"
    finally:
        pumps.kubectl("delete", "inferenceservice", "logged-v1", "--namespace", ARMS)
