"""A small world that was replayed once, for tests that only look at what came of it."""

from __future__ import annotations

import pytest
from backtest_worlds import PERIOD, World

from millrace.backtest import Turn


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Return the world of rentals; whoever changes it takes a copy."""
    return World(tmp_path_factory.mktemp("replayed"))


@pytest.fixture(scope="session")
def turns(world: World) -> list[Turn]:
    """Return nine turns: before there are records, before and after the world changes."""
    return world.replay(PERIOD)
