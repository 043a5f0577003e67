"""Tests of the rollout controller say what they find; its log lines would only be in the way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    before = structlog.get_config()
    structlog.configure(processors=[drop])
    yield
    structlog.configure(**before)


def drop(*_: object) -> dict[str, object]:
    raise structlog.DropEvent
