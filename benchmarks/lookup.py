"""What it costs to bring entity keys instead of features, from SQLite and from Redis.

The same predictor answers requests of one row that bring 20 features, and requests that bring the
entity's key, by turns, 8 under way. Beside that, 50 entities are read by the predictor's own reader
and by Feast's get_online_features from the same store, in one process; both give the same values.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.features import write_accepted
from benchmarks.predictor_servers import (
    BUILD,
    NAME,
    ROOT,
    ROWS,
    Bundle,
    Server,
    bundle,
    free_ports,
    measure,
    predictor,
    rest_requests,
    running,
)
from benchmarks.rows import Row, against_goal, against_peer
from millrace.features.lookup import LookupPlan
from millrace.settings import Settings
from millrace.storage import open_store
from millrace.workload import load_workload

ROUNDS = 5
REPEATS = 100
ENTITIES = 50


def run() -> list[Row]:
    """Return p50, p99 and the time of 50 entities, for SQLite and for Redis."""
    made = bundle()
    rows = _over_http(made, "SQLite", {})
    rows.append(_against_feast(made, "SQLite", made.settings))
    with _redis() as address:
        settings = Settings(
            home=BUILD / "redis", online_store="redis", redis=address, gateway_port=1
        )
        _materialize(settings)
        environment = {"MILLRACE_ONLINE_STORE": "redis", "MILLRACE_REDIS": address}
        rows += _over_http(made, "Redis", environment)
        rows.append(_against_feast(made, "Redis", settings))
    return rows


def _over_http(made: Bundle, store: str, environment: dict[str, str]) -> list[Row]:
    rows, dice = made.rows(), random.Random(0)
    features = rest_requests(rows.features[:ROWS], rows.types)
    keys = rest_requests([rows.entity(dice) for _ in range(ROWS)], rows.types)
    # A longer timeout than usual, so that every answer was looked up, however busy the machine is.
    server = predictor(made, f"ours-{store.lower()}", "--lookup-timeout=1s", **environment)
    rows_out: list[Row] = []
    with running(server):
        for connections in (1, 8):
            p50, p99 = _medians(server, features, keys, connections)
            name = f"lookup of 20 features from {store}, {connections} at a time"
            rows_out.append(against_peer(f"{name}, p50 ms, against features", *p50, at_most=2))
            rows_out.append(against_goal(f"{name}, p99 ms", p99, at_most=10))
        if "degraded" in server.log.read_text():
            raise SystemExit(f"the online store did not answer; see {server.log}")
    return rows_out


def _medians(
    server: Server, features: list[bytes], keys: list[bytes], connections: int
) -> tuple[tuple[float, float], float]:
    """Return p50 with keys and with features, and p99 with keys, in milliseconds."""
    found: dict[str, list[dict[str, float]]] = {"keys": [], "features": []}
    for number in range(ROUNDS + 1):
        for name, requests in (("features", features), ("keys", keys)):
            seconds = 0.7 if number else 0.3
            figures = measure(server, requests, connections=connections, seconds=seconds)
            if number:  # the first round warms
                found[name].append(figures)
    for name, each in found.items():
        cpu, p50 = _median(each, "cpu") * 1e3, _median(each, "p50")
        told = f"{server.name} {connections} {name:<9}"
        print(f"  {told} p50 {p50:.2f} ms  cpu {cpu:.0f} us a request")
    p50 = _median(found["keys"], "p50"), _median(found["features"], "p50")
    return p50, _median(found["keys"], "p99")


def _against_feast(made: Bundle, store: str, settings: Settings) -> Row:
    from millrace.features.connect import open_to_read
    from serving.predictor.lookup import open_online_store

    rows, dice = made.rows(), random.Random(1)
    entities = [dict(rows.entity(dice)) for _ in range(ENTITIES)]
    plan = LookupPlan.read(made.folder / "lookup.json")
    views = range(len(plan.views))
    columns = {name: [row[name] for row in entities] for name in entities[0]}
    feast = open_to_read(load_workload(ROOT / "workloads" / NAME), settings, open_store(settings))
    names = [f"{view.view}:{field.name}" for view in plan.views for field in view.fields]

    def peer() -> dict[str, Any]:
        return feast.get_online_features(features=names, entity_rows=entities).to_dict()

    with asyncio.Runner() as runner:
        reader = open_online_store(NAME, plan, settings, 5.0)
        runner.run(reader.start())

        def ours() -> dict[str, Any]:
            return runner.run(reader.read(columns, views))

        theirs = peer()
        for name, values in ours().items():
            assert values == theirs[name], f"{name}: {values} and {theirs[name]}"
        taken = [(_seconds(ours), _seconds(peer)) for _ in range(REPEATS)]
        runner.run(reader.close())
    mine, feasts = (statistics.median(column) for column in zip(*taken, strict=True))
    name = f"{ENTITIES} entities from {store}, ms, against get_online_features"
    return against_peer(name, mine * 1e3, feasts * 1e3, at_most=1 / 4)


def _seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def _median(figures: list[dict[str, float]], name: str) -> float:
    return statistics.median(each[name] * 1e3 for each in figures)


@contextmanager
def _redis() -> Iterator[str]:
    """Yield the address of a Redis that keeps nothing on disk."""
    (port,) = free_ports(1)
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1"]
    command += ["--save", "", "--appendonly", "no"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(10)


def _materialize(settings: Settings) -> None:
    """Bring the features of all customers to the store of the settings."""
    from millrace.features.materialization import materialize

    shutil.rmtree(settings.home, ignore_errors=True)
    workload, store = load_workload(ROOT / "workloads" / NAME), open_store(settings)
    accepted = Path(settings.home) / "accepted"
    accepted.parent.mkdir(parents=True)
    write_accepted(accepted)
    materialize(workload, accepted, store, settings, as_of=datetime.now(UTC))
