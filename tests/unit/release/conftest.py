"""A deploy repository of its own for each test."""

from pathlib import Path

import pytest
from release_worlds import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)
