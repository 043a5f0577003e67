"""The address of Redis, as Feast has it, is what redis-py connects to."""

from __future__ import annotations

import pytest

from millrace.errors import ServingError
from serving.predictor.lookup.connect import redis_options


@pytest.mark.parametrize(
    ("address", "options"),
    [
        ("localhost:6379", {"host": "localhost", "port": 6379, "db": 0}),
        ("store", {"host": "store", "port": 6379, "db": 0}),
        (
            "r:1,db=2,ssl=true,username=u,password=p=q",
            {"host": "r", "port": 1, "db": 2, "username": "u", "password": "p=q", "ssl": True},
        ),
    ],
)
def test_an_address_is_read(address: str, options: dict[str, object]) -> None:
    assert redis_options(address) == options


@pytest.mark.parametrize("address", ["", "host:port", "h:1,db=x,password=secret", "db=1"])
def test_an_address_that_is_none_is_told_without_its_password(address: str) -> None:
    with pytest.raises(ServingError, match="MILLRACE_REDIS") as told:
        redis_options(address)
    assert "secret" not in str(told.value)
