"""The address of Redis, as Feast has it, says where lookups connect to."""

from __future__ import annotations

import pytest

from millrace.errors import ServingError
from millrace.features.lookup import LookupPlan
from millrace.settings import Settings
from serving.predictor.lookup.connect import open_online_store, redis_place
from serving.predictor.lookup.resp import RedisPlace


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("localhost:6379", RedisPlace("localhost")),
        ("store", RedisPlace("store")),
        (
            "r:1,db=2,ssl=true,username=u,password=p=q,ssl_ca_certs=/ca.pem",
            RedisPlace("r", 1, 2, "u", "p=q", tls=True, ca_certs="/ca.pem"),
        ),
        ("r:1,ssl=false", RedisPlace("r", 1)),
    ],
)
def test_an_address_is_read(address: str, place: RedisPlace) -> None:
    assert redis_place(address) == place


@pytest.mark.parametrize(
    "address",
    ["", "host:port", "h:1,db=x,password=secret", "db=1", "h:1,ssl_keyfile=secret,password=secret"],
)
def test_an_address_that_is_none_is_told_without_its_password(address: str) -> None:
    with pytest.raises(ServingError, match="MILLRACE_REDIS") as told:
        redis_place(address)
    assert "secret" not in str(told.value)
    assert "secret" not in repr(redis_place("h,password=secret"))


def test_certificates_that_are_not_there_are_told_at_start() -> None:
    address = "h:1,ssl=true,ssl_ca_certs=/no/such.pem,password=secret"
    settings = Settings(online_store="redis", redis=address)
    with pytest.raises(ServingError, match=r"/no/such\.pem") as told:
        open_online_store("shop", LookupPlan(project="shop", views=[]), settings, 1.0)
    assert "secret" not in str(told.value)
