"""The JSON Schema of `workload.yaml`, by which editors complete it."""

from __future__ import annotations

import json
from pathlib import Path

from millrace.workload.spec import WorkloadManifest

SCHEMA_FILE = Path(__file__).with_name("workload.schema.json")


def schema_text() -> str:
    """Return the JSON Schema, as it is checked in."""
    schema = WorkloadManifest.model_json_schema(by_alias=True)
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
