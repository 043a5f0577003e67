"""The JSON Schema that editors complete by says what the loader accepts."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from millrace.workload.schema import SCHEMA_FILE, schema_text

DOCUMENT = yaml.safe_load(Path("workloads/churn/workload.yaml").read_text())


def test_the_schema_that_is_checked_in_is_the_one_of_the_code() -> None:
    assert SCHEMA_FILE.read_text() == schema_text()


def test_the_first_workload_keeps_the_schema() -> None:
    jsonschema.validate(DOCUMENT, json.loads(schema_text()))


@pytest.mark.parametrize(
    "change",
    [
        {"spec": {**DOCUMENT["spec"], "trainin": {}}},
        {"spec": {**DOCUMENT["spec"], "source": {"kind": "csv", "pth": "x"}}},
        {"spec": {**DOCUMENT["spec"], "gates": [{"latency": "5 ms"}]}},
        {"kind": "Workloads"},
    ],
)
def test_what_the_loader_refuses_the_schema_refuses_too(change: dict[str, object]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**DOCUMENT, **change}, json.loads(schema_text()))


def test_every_key_is_described() -> None:
    schema = json.loads(schema_text())
    spec = schema["$defs"]["WorkloadSpec"]["properties"]
    assert all("description" in field or "$ref" in field for field in spec.values())
