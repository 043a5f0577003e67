"""Our predictor beside KServe's ModelServer, MLServer and a bare FastAPI app: the same graph.

One process each, one row a request, 8 requests under way. Servers run on one core and the client
on another; the servers are loaded by turns, and the median of the rounds is taken, so that what
else happens on the machine hits all alike. `cpu` is the server's processor time a request, which
noise disturbs least. How busy the client was is printed, too.
"""

from __future__ import annotations

import statistics

from benchmarks.predictor_servers import (
    ROWS,
    Bundle,
    Server,
    bundle,
    first_answer,
    grpc_requests,
    made_venv,
    measure,
    peer,
    predictor,
    rest_requests,
    running,
)
from benchmarks.rows import Row, against_peer

ROUNDS = 5
Figures = dict[str, dict[str, float]]


def run() -> list[Row]:
    """Return requests a second and p99 of both protocols, against each peer."""
    made = bundle()
    rows = made.rows()
    features = rows.features[:ROWS]
    rest, grpc = rest_requests(features, rows.types), grpc_requests(features, rows.types)
    servers = [
        predictor(made),
        peer(made, "kserve"),
        peer(made, "fastapi"),
        peer(made, "mlserver", str(made_venv("peers", compiled=True))),
    ]
    with running(*servers):
        _expect_equal(servers, made, rest)
        over_rest = rounds(servers, rest, "http")
        spoken = [server for server in servers if server.name != "fastapi"]
        over_grpc = rounds(spoken, grpc, "grpc")
    ours, kserve, fastapi = (over_rest[name] for name in ("ours", "kserve", "fastapi"))
    return [
        _faster("v2 REST, requests/s, against kserve", ours, kserve, 3),
        _faster("v2 REST, requests/s, against mlserver", ours, over_rest["mlserver"], 1),
        _faster("v2 REST, requests/s, against bare FastAPI", ours, fastapi, 1),
        _p99("v2 REST, p99 in ms, against kserve", ours, kserve),
        _p99("v2 REST, p99 in ms, against bare FastAPI", ours, fastapi),
        _faster("gRPC, requests/s, against kserve", over_grpc["ours"], over_grpc["kserve"], 2),
        _faster("gRPC, requests/s, against mlserver", over_grpc["ours"], over_grpc["mlserver"], 1),
    ]


def rounds(servers: list[Server], requests: list[bytes], protocol: str) -> Figures:
    """Load servers by turns; return the medians of each, and tell them."""
    found: dict[str, list[dict[str, float]]] = {server.name: [] for server in servers}
    for number in range(ROUNDS + 1):
        for server in servers:
            figures = measure(server, requests, protocol=protocol, seconds=0.8 if number else 0.3)
            if number:  # the first round warms
                found[server.name].append(figures)
    medians = {name: _median(figures) for name, figures in found.items()}
    for name, figures in medians.items():
        print(
            f"  {protocol:<5}{name:<10}{figures['rate']:7.0f}/s  p50 {figures['p50'] * 1e3:6.2f} ms"
            f"  p99 {figures['p99'] * 1e3:6.2f} ms  cpu {figures['cpu'] * 1e6:5.0f} us a request"
            f"  client busy {figures['busy']:.0%}"
        )
    return medians


def _median(figures: list[dict[str, float]]) -> dict[str, float]:
    names = ("rate", "p50", "p99", "cpu", "busy")
    return {name: statistics.median(each[name] for each in figures) for name in names}


def _expect_equal(servers: list[Server], made: Bundle, requests: list[bytes]) -> None:
    for request in requests[:20]:
        answers = [first_answer(server, request) for server in servers]
        assert max(answers) - min(answers) < 1e-6, f"{made.digest}: {answers}"


def _faster(name: str, ours: dict[str, float], peer: dict[str, float], times: float) -> Row:
    return against_peer(name, ours["rate"], peer["rate"], at_least=times)


def _p99(name: str, ours: dict[str, float], peer: dict[str, float]) -> Row:
    return against_peer(name, ours["p99"] * 1e3, peer["p99"] * 1e3, at_most=1)
