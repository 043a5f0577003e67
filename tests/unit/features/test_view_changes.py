"""A feature view that changes gets a new name, because a model that serves reads the old one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from feature_worlds import DAY, START, UNTIMED_DEFINITIONS, UNTIMED_FEATURES, World, people
from online_reading import by_feast, changes, read_sqlite

from millrace.errors import FeatureError
from millrace.features import load_definitions, lookup_plan
from millrace.features.connect import open_to_read

CHANGED = UNTIMED_DEFINITIONS.replace(
    'Field(name="age", dtype=Int64)', 'Field(name="age", dtype=Float64)'
)


def test_a_view_that_changed_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    world = World(tmp_path)
    before = world.materialize(people(5))
    world.write("definitions.py", CHANGED)
    with pytest.raises(FeatureError) as caught:
        world.materialize(people(6), START + DAY)
    assert "'person_profile' has changed, and it is registered as it was" in str(caught.value)
    assert "found age DOUBLE; expected age INT64, id STRING, plan STRING" in str(caught.value)
    assert "give the changed view a new name, such as person_profile_v2" in str(caught.value)
    world.write("definitions.py", UNTIMED_DEFINITIONS)
    assert world.materialize(people(5)).digest == before.digest


def test_a_view_that_a_serving_bundle_reads_is_protected_without_a_registry(tmp_path: Path) -> None:
    world = World(tmp_path)
    plan = lookup_plan(world.workload, load_definitions(world.workload))
    world.materialize(people(5), protected=(plan,))
    shutil.rmtree(world.settings.home)
    world.write("definitions.py", CHANGED)
    with pytest.raises(FeatureError, match="a model that serves reads it as it was"):
        world.materialize(people(5), protected=(plan,))
    other = plan.model_copy(update={"project": "another"})
    world.materialize(people(5), protected=(other,))


def test_a_new_view_leaves_the_old_one_where_it_is(tmp_path: Path) -> None:
    world = World(tmp_path)
    old = lookup_plan(world.workload, load_definitions(world.workload))
    world.materialize(people(5))
    definitions = UNTIMED_DEFINITIONS.replace("person_money", "person_money_v2")
    world.write("definitions.py", definitions.replace('name="active"', 'name="is_active"'))
    features = UNTIMED_FEATURES.replace("person_money", "person_money_v2")
    renamed = '.rename(columns={"active": "is_active"})'
    world.write("features.py", features.replace('"active"]]', f'"active"]]{renamed}'))
    world.write_spec(features=["person_profile", "person_money_v2"])
    world.materialize(people(5), START + DAY, protected=(old,))
    file = world.settings.feast_folder(world.name) / "online.db"
    assert read_sqlite(file, old, {"id": "p1"})["spend"] == 0.5
    assert by_feast(world, {"id": "p1"})[0]["is_active"] is False


def test_a_description_may_change(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.materialize(people(5))
    text = UNTIMED_DEFINITIONS.replace(
        'name="person_money",', 'name="person_money",\n    description="what they spend",'
    )
    world.write("definitions.py", text)
    assert changes(world.materialize(people(5))) == [(5, 0, 0), (5, 0, 0)]
    feast = open_to_read(world.workload, world.settings, world.store)
    assert feast.get_feature_view("person_money").description == "what they spend"
