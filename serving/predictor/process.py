"""One predictor process: load, warm up, serve until told to stop, answer what came before."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import socket
import time
from contextlib import AsyncExitStack
from pathlib import Path

from millrace.settings import load_settings
from serving.predictor.answering import Answering
from serving.predictor.bodies import Bodies
from serving.predictor.connections import Guard
from serving.predictor.events import Events
from serving.predictor.exposition import Exposition, labels_of
from serving.predictor.grpc_server import GrpcServer
from serving.predictor.http_server import HttpServer, bind
from serving.predictor.layout import layout_for
from serving.predictor.logs import Log
from serving.predictor.lookup import OnlineStore, open_online_store
from serving.predictor.lookups import Lookups
from serving.predictor.metrics import CELLS_FILE, Metrics, private_cells, shared_cells
from serving.predictor.metrics_page import MetricsPage
from serving.predictor.model import Model, load_model
from serving.predictor.options import Options
from serving.predictor.outcomes import Outcomes
from serving.predictor.resolving import OnlineResolver
from serving.predictor.rest import Rest

HELD_REQUESTS = 8
"""Bodies of the greatest size that may be held at once, of all protocols together."""


def serve(options: Options, log: Log) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        MillraceError: the bundle, the settings or an address cannot be used.
    """
    import uvloop

    started = time.monotonic()
    shared = os.environ.get(CELLS_FILE)
    http = bind(options.host, options.http_port, shared=shared is not None)
    page = None if shared else bind(options.host, options.metrics_port, shared=False)
    model = load_model(
        options.model_dir, name=options.model_name, version=options.version, digest=options.digest
    )
    row_seconds = model.warm_up()
    log.info(
        "loaded", digest=model.digest, row_seconds=row_seconds, seconds=time.monotonic() - started
    )
    cells = shared_cells(Path(shared)) if shared else private_cells()
    layout = layout_for(options.latency, options.lookup_timeout, len(model.signature.edges) + 1)
    metrics = Metrics(cells, layout, model.signature.edges)
    gc.collect()
    gc.freeze()  # what was made so far stays; looking through it would cost requests their time
    uvloop.run(_serve(options, log, model, metrics, row_seconds, http, page))


async def _serve(
    options: Options,
    log: Log,
    model: Model,
    metrics: Metrics,
    row_seconds: float,
    http: socket.socket,
    page: socket.socket | None,
) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        store = _store(options, model)
        stack.push_async_callback(store.close)
        await store.start()
        events = None
        if options.events_url:
            events = Events(options.events_url, model, metrics, log)
            stack.push_async_callback(events.close)
            await events.start()
        resolver = OnlineResolver(
            model.signature,
            Lookups(store, options.lookup_timeout),
            fallback=options.online == "fallback",
            defaults=options.defaults,
            log=log,
        )
        answering = Answering(
            model,
            metrics,
            resolver,
            row_seconds=row_seconds,
            max_rows=options.max_rows,
            max_queued=options.max_queued,
            objective=options.latency,
            events=events,
        )
        stack.callback(answering.close)
        bodies = Bodies(options.max_request_size, options.max_request_size * HELD_REQUESTS)
        outcomes = Outcomes(metrics, log, access=options.log_level == "debug")
        app = Rest(answering, bodies, outcomes)
        rest = HttpServer(app, http, Guard(options.max_connections, app.refuse))
        grpc = GrpcServer(answering, bodies, outcomes, options)
        servers = [rest] if page is None else [rest, _metrics_server(options, metrics, page)]
        for server in servers:
            await server.start()
        await grpc.start()
        _be_ready(answering, metrics, yes=True)
        log.info("ready", http_port=options.http_port, grpc_port=options.grpc_port)
        await stop.wait()
        _be_ready(answering, metrics, yes=False)
        log.info("stopping", grace=options.grace)
        rest.say_goodbye()
        stop.clear()
        with contextlib.suppress(TimeoutError):  # a second signal ends the grace
            await asyncio.wait_for(stop.wait(), options.grace)
        await asyncio.gather(rest.stop(), grpc.stop())
        for server in servers[1:]:
            await server.stop()
    log.info("stopped")


def _be_ready(answering: Answering, metrics: Metrics, *, yes: bool) -> None:
    answering.ready = yes
    metrics.ready(yes)


def _store(options: Options, model: Model) -> OnlineStore:
    return open_online_store(
        model.card.workload, model.signature.plan, load_settings(), options.lookup_timeout
    )


def _metrics_server(options: Options, metrics: Metrics, page: socket.socket) -> HttpServer:
    exposition = Exposition(metrics.layout, [metrics.cells], labels_of(options), metrics.exemplars)
    return HttpServer(MetricsPage(exposition), page, Guard(64))
