"""Addresses are shown without what opens them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millrace.addresses import without_credentials


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://me:secret@host:5000", "http://host:5000"),
        ("postgresql://me:s%40cret@host/db", "postgresql://host/db"),
        ("postgresql+psycopg://me:s@c/r?e:t@host/db", "postgresql+psycopg://host/db"),
        ("https://token@host/mlflow", "https://host/mlflow"),
        ("redis://:secret@host:6379", "redis://host:6379"),
        ("sqlite:////tmp/a@b/mlflow.db", "sqlite:////tmp/a@b/mlflow.db"),
        ("s3://bucket/key", "s3://bucket/key"),
        (
            "postgresql://h/d?sslmode=on&password=x&a=b",
            "postgresql://h/d?sslmode=on&password=***&a=b",
        ),
        ("host:6379,password=x,ssl=true", "host:6379,password=***,ssl=true"),
        ("cannot reach 'http://a:b@h', as 'c@d' says", "cannot reach 'http://h', as 'c@d' says"),
        ("http://a:b@h and ftp://c:d@i/j", "http://h and ftp://i/j"),
        ("nothing of the kind", "nothing of the kind"),
        ("", ""),
    ],
)
def test_user_password_and_secret_options_are_left_out(text: str, shown: str) -> None:
    assert without_credentials(text) == shown
    assert without_credentials(shown) == shown


def test_the_password_of_an_address_is_left_out_wherever_it_stands() -> None:
    address = "postgresql://me:s%40cret@host/db"
    for told in ("no login with s@cret", "no login with s%40cret"):
        assert without_credentials(told, address, "") == "no login with ***"


@given(st.text(st.characters(exclude_categories=["Z", "C"], exclude_characters="'\""), min_size=4))
def test_no_password_is_told_whatever_its_signs(password: str) -> None:
    shown = without_credentials(f"cannot reach db://me:{password}@0/1, sorry")
    assert shown == "cannot reach db://0/1, sorry"
