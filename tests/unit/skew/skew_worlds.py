"""Workloads that are asked by keys: real stores, a real resolver, and events as they are sent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import structlog
from feature_worlds import World

from millrace.features import load_definitions, lookup_plan
from millrace.skew.events import read_events
from millrace.skew.measure import measure
from millrace.skew.report import FeatureSkew, SkewReport
from serving.predictor.answering import InferAnswer, InferRequest
from serving.predictor.event_data import EventData
from serving.predictor.event_shape import EventShape
from serving.predictor.lookup.connect import open_online_store
from serving.predictor.lookups import Lookups
from serving.predictor.resolving import OnlineResolver
from serving.predictor.signature import Input, Signature

NO_MARGIN = timedelta(0)
BUNDLE = "b" * 64


@dataclass
class Asked:
    """A workload that answers by keys, and the file that its events go to."""

    world: World
    bundle: str = BUNDLE

    def __post_init__(self) -> None:
        definitions = load_definitions(self.world.workload)
        plan = lookup_plan(self.world.workload, definitions)
        inputs = tuple(Input(f.name, f.kind, f.view) for f in definitions.features)
        self.signature = Signature(inputs, plan)
        key = f"bundles/sha256/{self.bundle}/lookup.json"
        self.world.store.write_bytes(key, plan.model_dump_json().encode())
        name, digest, signature = self.world.name, self.bundle, self.signature
        self.model: Any = SimpleNamespace(
            name=name, version="1", digest=digest, signature=signature
        )

    @property
    def file(self) -> Path:
        return self.world.root / "events.jsonl"

    def ask(
        self,
        keys: dict[str, Sequence[Any]],
        features: dict[str, Any] | None = None,
        at: datetime | None = None,
    ) -> dict[str, Any]:
        """Answer a request as a predictor does, keep its event, and return the features."""
        rows = len(next(iter({**keys, **(features or {})}.values())))
        columns = {
            name: np.array(column).reshape(-1, 1) for name, column in (features or {}).items()
        }
        request = InferRequest("id", "v2", rows, columns, dict(keys))
        found = asyncio.run(self._resolve(request)) if keys else None
        answer = InferAnswer(
            "id",
            np.zeros((rows, 1), np.float32),
            found.columns if found else columns,
            found.origins if found else {},
            keys=request.keys,
        )
        # Times of events are in whole milliseconds, and no later than that.
        self.keep(answer, at.timestamp() if at else time.time() + 0.001)
        return {name: column[:, 0].tolist() for name, column in answer.columns.items()}

    def keep(self, answer: InferAnswer, seconds: float) -> None:
        data = EventData(self.model)
        event = data.event(answer, seconds)
        pieces = data.whole([event]) if event.row is not None else data.pieces(event)
        with self.file.open("ab") as file:
            file.write(EventShape(self.model).structured(event) + b"".join(pieces) + b"}\n")

    async def _resolve(self, request: InferRequest) -> Any:
        store = open_online_store(self.world.name, self.signature.plan, self.world.settings, 5.0)
        await store.start()
        resolver = OnlineResolver(
            self.signature,
            Lookups(store, 5.0),
            fallback=True,
            defaults={},
            log=structlog.get_logger(),
        )
        try:
            return await resolver.resolve(request)
        finally:
            await store.close()

    def measure(self, margin: timedelta = NO_MARGIN) -> SkewReport:
        world = self.world
        events = read_events([self.file], world.name)
        return measure(world.workload, events, world.settings, world.store, margin)


def by_name(report: SkewReport) -> dict[str, FeatureSkew]:
    return {feature.name: feature for feature in report.features}
