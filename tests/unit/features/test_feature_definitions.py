"""What definitions.py, features.py and workload.yaml must say together."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from feature_worlds import UNTIMED_DEFINITIONS, UNTIMED_FEATURES, World, timed_world

from millrace.errors import WorkloadError
from millrace.features import load_definitions, lookup_plan

ROOT = Path(__file__).parents[3]


def test_features_come_in_the_order_of_the_workload_and_of_the_fields(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write_spec(features=["person_money", "person_profile"])
    features = load_definitions(world.workload).features
    assert [(f.view, f.name, f.kind) for f in features] == [
        ("person_money", "spend", "number"),
        ("person_money", "active", "number"),
        ("person_profile", "plan", "category"),
        ("person_profile", "age", "number"),
    ]


def test_what_requests_bring_comes_after_the_features_of_the_views(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write_spec(features=["person_profile"], request=["spend", "id", "active"])
    definitions = load_definitions(world.workload)
    assert [(f.view, f.name, f.kind) for f in definitions.features] == [
        ("person_profile", "plan", "category"),
        ("person_profile", "age", "number"),
        ("", "spend", "number"),
        ("", "id", "category"),
        ("", "active", "number"),
    ]
    assert [f.name for f in definitions.stored] == ["plan", "age"]
    assert [view.view for view in lookup_plan(world.workload, definitions).views] == [
        "person_profile"
    ]


@pytest.mark.parametrize(
    ("column", "told"),
    [
        ("age", "names the column 'age', which cannot be an input of the model; found a name that"),
        ("age", "a field of 'person_profile'"),
        ("prediction", "the model's output"),
        ("__id", "the platform's own: it begins with '__'"),
    ],
)
def test_a_column_whose_name_is_taken_cannot_be_brought(
    tmp_path: Path, column: str, told: str
) -> None:
    world = World(tmp_path)
    columns = {**world.spec["contract"]["columns"], column: {"type": "integer"}}
    world.write_spec(
        contract={"columns": columns}, features=["person_profile"], request=["spend", column]
    )
    with pytest.raises(WorkloadError) as caught:
        load_definitions(world.workload)
    assert str(caught.value).startswith(str(world.folder / "workload.yaml"))
    assert told in str(caught.value)


def test_a_join_key_that_is_a_number_cannot_be_brought_too(tmp_path: Path) -> None:
    world = timed_world(tmp_path)
    world.write_spec(request=["shop"])
    assert load_definitions(world.workload).features[-1].name == "shop"
    world.write_spec(request=["shop", "till"])
    with pytest.raises(
        WorkloadError, match=r"'till', which cannot be.* a join key that is no text"
    ):
        load_definitions(world.workload)


def test_a_view_that_the_workload_does_not_name_is_left_alone(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write_spec(features=["person_money"])
    assert [view.name for view in load_definitions(world.workload).views] == ["person_money"]


def test_join_keys_are_sorted_by_name_as_feast_serializes_them(tmp_path: Path) -> None:
    definitions = load_definitions(timed_world(tmp_path).workload)
    assert definitions.join_keys == ["shop", "till"]
    plan = lookup_plan(timed_world(tmp_path).workload, definitions)
    assert [(k.name, k.type) for k in plan.views[1].join_keys] == [
        ("shop", "STRING"),
        ("till", "INT64"),
    ]


def test_the_lookup_plan_names_the_types_that_feast_stores(tmp_path: Path) -> None:
    world = World(tmp_path, name="some-people")
    plan = lookup_plan(world.workload, load_definitions(world.workload))
    assert plan.project == "some_people"
    fields = {field.name: field.type for view in plan.views for field in view.fields}
    assert fields == {"plan": "STRING", "age": "INT64", "spend": "DOUBLE", "active": "BOOL"}


def test_the_join_key_may_stand_in_the_schema(tmp_path: Path) -> None:
    world = World(tmp_path)
    field = 'schema=[Field(name="id", dtype=String), Field(name="plan"'
    world.write("definitions.py", UNTIMED_DEFINITIONS.replace('schema=[Field(name="plan"', field))
    names = [feature.name for feature in load_definitions(world.workload).features]
    assert names == ["plan", "age", "spend", "active"]


def test_a_feature_may_be_called_quantiles_unless_quantiles_are_predicted(tmp_path: Path) -> None:
    world = World(tmp_path)
    names = UNTIMED_DEFINITIONS.replace('"active"', '"quantiles"').replace('"spend"', '"money"')
    world.write("definitions.py", names)
    assert "quantiles" in [f.name for f in load_definitions(world.workload).features]
    world.write_spec(target={"column": "spend", "kind": "regression", "quantiles": [0.5]})
    with pytest.raises(WorkloadError) as raised:
        load_definitions(world.workload)
    assert "the field 'quantiles' of 'person_money' needs another name" in str(raised.value)
    assert "the model's output" in str(raised.value)


def test_the_churn_example_can_be_loaded() -> None:
    from millrace.workload import load_workload

    definitions = load_definitions(load_workload(ROOT / "workloads" / "churn"))
    assert definitions.join_keys == ["customerID"]
    assert len(definitions.features) == 20


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('name="person_money"', 'name="person_mony"', "did you mean 'person_mony'?"),
        ('name="person_money"', 'name="person_mony"', "expected one of person_mony, person_pro"),
        ('name="person"', 'name="man"', "names the entity 'person', which definitions.py does not"),
        ('join_keys=["id"]', 'join_keys=["ids"]', "'ids' of the entity 'person' is not a column"),
        ('join_keys=["id"]', 'join_keys=["ids"]', "did you mean 'id'?"),
        ('join_keys=["id"]', 'join_keys=["plan"]', "remove `nullable` from the contract's column"),
        ("ValueType.STRING", "ValueType.INT64", "found value_type=ValueType.INT64; expected Value"),
        (", value_type=ValueType.STRING", "", "give the entity value_type=ValueType.STRING"),
        ("dtype=Bool", "dtype=Array(Float64)", "the field 'active' of the feature view 'person_mo"),
        ("dtype=Bool", "dtype=Array(Float64)", "expected one of String, Bool, Int32, Int64, Float"),
        ('name="active"', 'name="age"', "the field 'age' of 'person_money' needs another name"),
        ('name="active"', 'name="left"', "the target, which would give the answer away"),
        ('name="active"', 'name="prediction"', "the model's output"),
        ('name="active"', 'name="event_timestamp"', "a join key or the timestamp"),
        ('name="active"', 'name="__row"', "it begins with '__'"),
        ('timestamp_field="event_timestamp"', 'timestamp_field="at"', "expected 'event_timestamp'"),
        (
            "    entities=[person],\n",
            "",
            "about an entity that the workload does not name; found n",
        ),
        (
            "    entities=[person],\n",
            "    entities=[person],\n    ttl=timedelta(days=1),\n",
            "has a ttl, but the workload has no clock; found 86400 seconds",
        ),
        (
            'source=FileSource(path="person_money.parquet", timestamp_field="event_timestamp")',
            'source=PushSource(name="p", batch_source=FileSource(path="a", timestamp_field="at"))',
            "needs a plain FileSource, which the platform fills",
        ),
        (
            'schema=[Field(name="spend", dtype=Float64), Field(name="active", dtype=Bool)]',
            "schema=[]",
            "the feature view 'person_money' has no fields",
        ),
        ("person_money = ", "again = person_profile\ncopy = ", ""),
    ],
)
def test_a_definition_that_cannot_be_used_is_told_in_one_line(
    tmp_path: Path, before: str, after: str, told: str
) -> None:
    world = World(tmp_path)
    assert before in UNTIMED_DEFINITIONS
    world.write(
        "definitions.py",
        "from datetime import timedelta\n"
        "from feast import PushSource\n"
        "from feast.types import Array\n" + UNTIMED_DEFINITIONS.replace(before, after),
    )
    if not told:
        load_definitions(world.workload)
        return
    with pytest.raises(WorkloadError) as caught:
        load_definitions(world.workload)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_two_views_of_one_name_are_told_apart(tmp_path: Path) -> None:
    world = World(tmp_path)
    again = UNTIMED_DEFINITIONS.split("person_money =")[1]
    world.write("definitions.py", f"{UNTIMED_DEFINITIONS}\nother = {again}")
    with pytest.raises(WorkloadError, match="two objects of FeatureView are named 'person_money'"):
        load_definitions(world.workload)


@pytest.mark.parametrize("name", ["definitions.py", "features.py"])
def test_a_file_that_is_missing_is_named(tmp_path: Path, name: str) -> None:
    world = World(tmp_path)
    (world.folder / name).unlink()
    with pytest.raises(WorkloadError, match=f"{name}: there is no such file"):
        load_definitions(world.workload)


@pytest.mark.parametrize("name", ["definitions.py", "features.py"])
def test_a_syntax_error_is_told_with_its_line(tmp_path: Path, name: str) -> None:
    world = World(tmp_path)
    world.write(name, "import math\ndef broken(:\n    pass\n")
    with pytest.raises(WorkloadError, match=f"{name}:2: is not Python"):
        load_definitions(world.workload)


def test_an_error_of_feast_itself_is_told_with_its_line(tmp_path: Path) -> None:
    world = World(tmp_path)
    text = UNTIMED_DEFINITIONS.replace('join_keys=["id"]', 'join_keys=["id", "plan"]')
    world.write("definitions.py", text)
    with pytest.raises(WorkloadError, match=r"definitions.py:5: cannot be imported: "):
        load_definitions(world.workload)


def test_a_view_without_a_function_is_told_with_the_nearest_one(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("features.py", UNTIMED_FEATURES.replace("def person_money", "def persons_money"))
    with pytest.raises(WorkloadError, match="'person_money' has no function") as caught:
        load_definitions(world.workload)
    assert "did you mean 'persons_money'?" in str(caught.value)
    assert "expected def person_money(records: pd.DataFrame) -> pd.DataFrame" in str(caught.value)


def test_feast_is_imported_without_torch_and_leaves_no_trace() -> None:
    script = (
        "import os, sys, warnings\n"
        "before = set(os.environ)\n"
        "from millrace.features.feast_import import import_feast\n"
        "feast = import_feast()\n"
        "assert 'torch' not in sys.modules, 'torch was loaded, or its place is taken'\n"
        "assert set(os.environ) == before, set(os.environ) - before\n"
        "import typeguard\n"
        "assert typeguard.typechecked.__module__.startswith('typeguard')\n"
        "assert feast is import_feast()\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_the_package_itself_is_light() -> None:
    script = (
        "import sys, millrace.features, millrace.dataset\n"
        "assert not {'pandas', 'pyarrow', 'feast', 'torch'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
