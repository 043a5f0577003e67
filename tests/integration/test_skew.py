"""What the platform's predictors served is kept, and `millrace skew` finds what is wrong in it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from millrace.features.online_state import online_folder, online_states
from millrace.skew.events import read_events
from tests.integration.online_worlds import World
from tests.integration.platforms import Home, a_home
from tests.integration.predictors import MODEL, make_bundle, wait_for

_SPEC: dict[str, Any] = {
    "source": {"kind": "csv", "path": "data.csv"},
    "contract": {
        "columns": {
            "pump": {"type": "string"},
            "pressure": {"type": "number", "nullable": True},
            "site": {"type": "category", "nullable": True},
            "broken": {"type": "category"},
        }
    },
    "entities": ["pump"],
    "features": ["pump_state"],
    "target": {"column": "broken", "kind": "binary", "positive": "yes"},
    "split": {"by": "hash", "test": 0.3, "validation": 0.2},
    "training": {"module": "model:Net"},
}
_DEFINITIONS = """
from feast import Entity, FeatureView, Field, FileSource, ValueType
from feast.types import Float64, String

pump = Entity(name="pump", join_keys=["pump"], value_type=ValueType.STRING)
pump_state = FeatureView(
    name="pump_state",
    entities=[pump],
    schema=[Field(name="pressure", dtype=Float64), Field(name="site", dtype=String)],
    source=FileSource(path="pump_state.parquet", timestamp_field="event_timestamp"),
)
"""
_FEATURES = """
def pump_state(records):
    return records[["pump", "pressure", "site"]]
"""
PUMPS = [
    {"pump": f"p{number}", "pressure": number / 3, "site": "Süd", "broken": "no"}
    for number in range(20)
]


def pumps_world(home: Home) -> World:
    """Return a workload whose features have been online in a home for a minute."""
    options = {"home": home.folder}
    world = World(home.folder / "pumps", _SPEC, _DEFINITIONS, _FEATURES, MODEL, options)
    world.materialize(PUMPS, datetime.now(UTC) - timedelta(minutes=2))
    [state] = online_states(world.store, MODEL)
    [name] = world.store.names(online_folder(MODEL))
    ago = datetime.now(UTC) - timedelta(minutes=1)
    record = state.model_copy(update={"started": ago, "finished": ago})
    world.store.write_json(f"{online_folder(MODEL)}/{name}", record.model_dump(mode="json"))
    return world


def ask(home: Home, *pumps: str) -> None:
    """Ask through the gateway by keys, and wait until the event is kept."""
    tensor = {"name": "pump", "datatype": "BYTES", "shape": [len(pumps)], "data": list(pumps)}
    answer = home.ask(body={"id": "-".join(pumps), "inputs": [tensor]})
    assert answer.status == 200
    file = home.settings.events_folder / f"{MODEL}.jsonl"

    def kept() -> bool:
        events = read_events([file], MODEL) if file.exists() else []
        return any(one.data.id == "-".join(pumps) for one in events)

    wait_for(kept, "the event is kept")


def test_what_predictors_served_is_compared_and_a_planted_difference_is_found(
    tmp_path: Path,
) -> None:
    with a_home(tmp_path / "home") as home:
        world = pumps_world(home)
        commit = home.release(make_bundle(tmp_path / "bundle"), {1: 100})
        home.up()
        home.wait_until_applied(commit)
        ask(home, "p1", "p2", "unknown")
        ask(home, "p3")
        done = home.millrace("skew", str(world.folder), "--json")
        assert done.returncode == 0, done.stderr + done.stdout
        told = json.loads(done.stdout)
        assert (told["rows"], told["compared"], told["differ"]) == (4, 4, 0)
        file = world.settings.feast_folder(MODEL) / "online.db"
        with closing(sqlite3.connect(file)) as store:
            store.execute("UPDATE pumps_pump_state SET value = X'' WHERE feature_name = 'pressure'")
            store.commit()
        ask(home, "p4")
        done = home.millrace("skew", str(world.folder))
        assert done.returncode == 1
        assert "1 value differs from the offline store; 5 of 5 rows compared." in done.stdout
        assert "pump=p4" in done.stdout
