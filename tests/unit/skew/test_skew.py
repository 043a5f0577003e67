"""What was served from the online store is held to what the offline store says of that moment."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from feature_worlds import DAY, START, TIMED_DEFINITIONS, World, people, timed_world, visits
from skew_worlds import Asked, by_name

from millrace.errors import MillraceError
from millrace.features.online_state import OnlineState, online_folder, online_states
from serving.predictor.answering import InferAnswer

SHOPS = {"shop": ["a", "b", "b", "nowhere"], "till": [0, 1, 0, 99]}


def online(world: World, change: str, *values: Any) -> None:
    """Change the online store behind everybody's back."""
    with closing(sqlite3.connect(world.settings.feast_folder(world.name) / "online.db")) as store:
        assert store.execute(change, values).rowcount > 0
        store.commit()


def test_what_was_served_between_materializations_is_what_held_then(tmp_path: Path) -> None:
    asked = Asked(timed_world(tmp_path))
    served = []
    for days in (3, 4, 5):
        asked.world.materialize(visits(days + 1), START + days * DAY)
        served.append(asked.ask(SHOPS))
    assert len({str(one) for one in served}) == 3
    report = asked.measure()
    assert (report.rows, report.compared, report.left_out) == (12, 12, {})
    assert {f.name: (f.view, f.compared, f.differ) for f in report.features} == {
        "amount": ("shop_amount", 12, 0),
        "till_most": ("till_amount", 12, 0),
        "visits": ("till_amount", 12, 0),
    }


def test_values_of_all_types_and_missing_ones_are_the_same(tmp_path: Path) -> None:
    asked = Asked(World(tmp_path))
    records = people(60)
    records[1]["spend"] = 0.1 + 0.2
    records[2]["age"] = 2**40 + 1
    asked.world.materialize(records)
    asked.ask({"id": [f"p{number}" for number in range(61)]})
    report = asked.measure()
    assert report.compared == 61
    assert {f.name: (f.compared, f.differ) for f in report.features} == dict.fromkeys(
        ("plan", "age", "spend", "active"), (61, 0)
    )


def test_a_value_that_is_another_online_is_found_with_its_key(tmp_path: Path) -> None:
    asked = Asked(World(tmp_path))
    asked.world.materialize(people(60))
    asked.ask({"id": ["p7", "p8", "p9"]})
    online(
        asked.world,
        'UPDATE "people_person_money" SET value = ? WHERE feature_name = ? '
        "AND instr(entity_key, CAST('p8' AS BLOB)) > 0",
        b"\x29" + np.array([99.5], "<f8").tobytes(),
        "spend",
    )
    asked.ask({"id": ["p7", "p8", "p9"]})
    online(asked.world, 'DELETE FROM "people_person_profile" WHERE feature_name = ?', "plan")
    asked.ask({"id": ["p9"]})
    report = asked.measure()
    assert (report.compared, report.differ) == (7, 2)
    found = by_name(report)
    [example] = found["spend"].examples
    assert example.keys == {"id": "p8"}
    assert (example.served, example.offline, example.request) == (99.5, 4.0, "id")
    [example] = found["plan"].examples
    assert (example.keys, example.served, example.offline) == ({"id": "p9"}, None, "free")
    assert (found["spend"].rewritten, found["age"].differ) == (0, 0)


def test_a_history_that_was_written_anew_is_told_apart(tmp_path: Path) -> None:
    asked = Asked(timed_world(tmp_path))
    asked.world.materialize(visits(5), START + 4 * DAY)
    asked.ask({"shop": ["a"], "till": [0]})
    late = [{**record, "amount": record["amount"] + 1} for record in visits(5)]
    asked.world.materialize(late, START + 5 * DAY)
    asked.ask({"shop": ["a"], "till": [0]})
    found = by_name(asked.measure())
    assert (found["amount"].compared, found["amount"].differ, found["amount"].rewritten) == (
        2,
        1,
        1,
    )
    assert found["visits"].differ == 0


def test_a_key_that_has_no_value_any_more_is_rightly_missing(tmp_path: Path) -> None:
    world = timed_world(tmp_path)
    world.write_spec(time={**world.spec["time"], "window": "4d"})
    asked = Asked(world)
    last = {**visits(5)[-1], "till": 77}
    world.materialize([*visits(5), last], START + 5 * DAY)
    asked.ask({"shop": ["b"], "till": [77]})
    world.materialize(visits(5), START + 5 * DAY)
    assert np.isnan(asked.ask({"shop": ["b"], "till": [77]})["visits"]).all()
    found = by_name(asked.measure())["visits"]
    assert (found.compared, found.differ, found.rewritten) == (2, 1, 1)
    [example] = found.examples
    assert (example.served, example.offline) == (1.0, None)


def test_examples_are_few_however_much_differs(tmp_path: Path) -> None:
    asked = Asked(World(tmp_path))
    asked.world.materialize(people(60))
    online(asked.world, "UPDATE \"people_person_profile\" SET value = X'' WHERE 1")
    asked.ask({"id": [f"p{number}" for number in range(60)]})
    found = by_name(asked.measure())
    assert (found["plan"].differ, len(found["plan"].examples)) == (40, 5)


def test_what_was_given_and_not_looked_up_is_counted_as_that(tmp_path: Path) -> None:
    asked = Asked(World(tmp_path))
    asked.world.materialize(people(60))
    given = {
        "plan": np.array(["other"], object),
        "age": np.float32([1]),
        "spend": np.float32([2]),
        "active": np.float32([np.nan]),
    }
    asked.ask({}, given)
    asked.ask({"id": ["p1"]}, {"plan": np.array(["other"], object)})
    report = asked.measure()
    assert report.left_out == {"the request brought all features": 1}
    assert report.compared == 1
    assert "plan" not in by_name(report)
    assert by_name(report)["age"].compared == 1


def test_defaults_are_no_skew(tmp_path: Path) -> None:
    asked = Asked(World(tmp_path))
    asked.ask({"id": ["p1", "p2"]})  # nothing is online yet
    asked.world.materialize(people(60))
    report = asked.measure()
    assert report.left_out == {"defaults stood for the features": 2}


def test_what_requests_bring_finds_features_and_is_not_compared(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write_spec(features=["person_profile"], request=["id", "spend"], slices=[])
    asked = Asked(world)
    world.materialize(people(60))
    keys = {"id": np.array(["p1", "p2"], object)}
    asked.ask({"id": ["p1", "p2"]}, {**keys, "spend": np.float32([1, 2])})
    report = asked.measure()
    assert (report.compared, report.differ) == (2, 0)
    assert set(by_name(report)) == {"plan", "age"}


def test_nothing_is_known_of_what_was_served_before_the_first_record(tmp_path: Path) -> None:
    asked = Asked(World(tmp_path))
    asked.world.materialize(people(60))
    asked.ask({"id": ["p1"]}, at=datetime.now(UTC) - DAY)
    report = asked.measure()
    assert report.left_out == {"no materialization before it is known": 1}
    assert report.compared == 0


RUNNING = {"a materialization was running, or had broken off": 1}


def test_what_was_served_while_features_were_written_is_left_out(tmp_path: Path) -> None:
    asked = Asked(World(tmp_path))
    asked.world.materialize(people(60))
    [state] = online_states(asked.world.store, "people")
    asked.ask({"id": ["p1"]}, at=state.started + timedelta(milliseconds=1))
    assert asked.measure().left_out == RUNNING


def test_moments_are_only_as_exact_as_the_margin(tmp_path: Path) -> None:
    asked = Asked(World(tmp_path))
    asked.world.materialize(people(60))
    asked.ask({"id": ["p1"]})
    assert asked.measure().compared == 1
    assert asked.measure(timedelta(minutes=1)).left_out == RUNNING


def test_nobody_knows_what_is_online_after_a_run_broke_off(tmp_path: Path) -> None:
    asked = Asked(World(tmp_path))
    asked.world.materialize(people(60))
    [state] = online_states(asked.world.store, "people")
    begun = OnlineState(**{**state.model_dump(), "started": datetime.now(UTC), "finished": None})
    key = f"{online_folder('people')}/{begun.started:%Y%m%dT%H%M%S.%fZ}.json"
    asked.world.store.write_json(key, begun.model_dump(mode="json"))
    asked.ask({"id": ["p1"]})
    assert asked.measure().left_out == RUNNING
    asked.world.materialize(people(60))
    asked.ask({"id": ["p1"]})
    report = asked.measure()
    assert (report.compared, report.left_out) == (1, RUNNING)


def test_records_of_another_online_store_say_nothing_of_this_one(tmp_path: Path) -> None:
    asked = Asked(World(tmp_path))
    asked.world.materialize(people(60))
    [state] = online_states(asked.world.store, "people")
    key = f"{online_folder('people')}/{state.started:%Y%m%dT%H%M%S.%fZ}.json"
    other = state.model_copy(update={"online": "redis elsewhere:6379"})
    asked.world.store.write_json(key, other.model_dump(mode="json"))
    asked.ask({"id": ["p1"]})
    assert asked.measure().left_out == {"no materialization before it is known": 1}


def test_an_event_without_keys_or_of_a_bundle_that_is_gone_is_left_out(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.materialize(people(60))
    asked, gone = Asked(world), Asked(world, "c" * 64)
    gone.ask({"id": ["p1"]})
    (world.settings.store_folder / f"bundles/sha256/{gone.bundle}/lookup.json").unlink()
    columns = {name: np.zeros((1, 1), np.float32) for name in ("age", "spend", "active")}
    columns["plan"] = np.array([[""]], object)
    one = np.zeros((1, 1), np.float32)
    later = datetime.now(UTC).timestamp()
    asked.keep(InferAnswer("id", one, columns, dict.fromkeys(columns, "store")), later)
    assert asked.measure().left_out == {
        "the bundle that answered is not in the store": 1,
        "the event tells no entity keys": 1,
    }


def test_a_bundle_that_reads_an_older_view_is_held_to_that_view(tmp_path: Path) -> None:
    world = World(tmp_path)
    asked = Asked(world)
    world.materialize(people(60))
    asked.ask({"id": ["p1", "p2"]})
    world.write("definitions.py", world.definitions.replace("person_money", "wallet"))
    world.write("features.py", world.features.replace("person_money", "wallet"))
    world.write_spec(features=["person_profile", "wallet"])
    changed = [{**record, "spend": 1e6} for record in people(60)]
    world.materialize(changed, START + DAY)
    asked.ask({"id": ["p1", "p2"]})
    report = asked.measure()
    assert (report.compared, report.differ) == (4, 0)
    assert by_name(report)["spend"].view == "person_money"


def test_a_view_that_is_gone_from_the_feature_store_is_told(tmp_path: Path) -> None:
    asked = Asked(World(tmp_path))
    asked.world.materialize(people(60))
    asked.ask({"id": ["p1"]})
    file = asked.world.settings.store_folder / "features/people/offline/person_money.parquet"
    file.unlink()
    report = asked.measure()
    assert report.left_out == {"a feature view is no longer in the feature store": 1}
    assert report.compared == 0


def test_a_value_that_has_become_too_old_since_is_rightly_missing(tmp_path: Path) -> None:
    source = 'source=FileSource(path="shop_amount.parquet"'
    world = timed_world(tmp_path)
    text = TIMED_DEFINITIONS.replace(source, f"ttl=timedelta(days=1), {source}")
    world.write("definitions.py", f"from datetime import timedelta\n{text}")
    asked = Asked(world)
    now = datetime.now(UTC).replace(microsecond=0)
    hours = {"a": 30, "b": 1}
    records = [
        {**record, "at": now - timedelta(hours=hours[record["shop"]]), "known": now}
        for record in visits(1)
    ]
    world.materialize(records, now - timedelta(hours=10))
    served = asked.ask({"shop": ["a"], "till": [0]})
    world.materialize(records, now)
    served_later = asked.ask({"shop": ["a", "b"], "till": [0, 1]})
    assert np.isnan(served["amount"]).all()
    assert np.isnan(served_later["amount"]).tolist() == [True, False]
    report = asked.measure()
    assert (report.compared, report.differ) == (3, 0)
    table = '"shops_shop_amount"'
    moment = int((now - timedelta(hours=2)).timestamp())
    online(world, f"UPDATE {table} SET event_ts = ?", moment)
    asked.ask({"shop": ["a"], "till": [0]})  # it looks younger than it is, and is served
    assert by_name(asked.measure())["amount"].differ == 1


def test_no_events_are_no_measurement(tmp_path: Path) -> None:
    asked = Asked(World(tmp_path))
    asked.file.touch()
    with pytest.raises(MillraceError, match="there are no events of this workload"):
        asked.measure()
