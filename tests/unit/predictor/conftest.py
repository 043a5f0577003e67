"""A model's signature: a number and a category of one entity, and a category of the request."""

import pytest

from millrace.features.lookup import JoinKey, LookupField, LookupPlan, ViewLookup
from serving.predictor.signature import Input, Signature


@pytest.fixture(scope="session")
def signature() -> Signature:
    """`pressure` and `site` come from pumps, `load` from machines, `weather` only from requests."""
    plan = LookupPlan(
        project="pumps",
        views=[
            ViewLookup(
                view="machine_load",
                join_keys=[JoinKey(name="machine", type="INT32")],
                fields=[LookupField(name="load", type="INT64")],
            ),
            ViewLookup(
                view="pump_state",
                join_keys=[JoinKey(name="pump", type="STRING")],
                fields=[
                    LookupField(name="pressure", type="DOUBLE"),
                    LookupField(name="site", type="STRING"),
                ],
            ),
        ],
    )
    inputs = (
        Input("pressure", "number", "pump_state"),
        Input("site", "category", "pump_state"),
        Input("load", "number", "machine_load"),
        Input("weather", "category", "request"),
    )
    return Signature(inputs, plan, edges=(0.25, 0.5))
