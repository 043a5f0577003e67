"""An arm that Git changes answers as it was until it answers as it shall be."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from millrace.release.kubernetes import InferenceService
from serving.local.children import Book
from serving.local.fleet import Fleet
from serving.local.replica import Surroundings
from serving.local.splits import Endpoint

SERVICE = InferenceService("pumps-v1", "pumps", "d" * 64, 1, "s3://x", (), 2)


class Arm:
    """An arm of two replicas, of which some are ready."""

    def __init__(self, service: InferenceService, *_rest: Any) -> None:
        self.service = service
        self.replicas_ready = 0
        self.phase, self.reason = "starting", ""
        self.endpoints = (Endpoint(service.version, 0),)

    @property
    def ready(self) -> bool:
        return self.replicas_ready == 2

    @property
    def serves(self) -> bool:
        return self.replicas_ready > 0

    def start(self) -> None:
        pass


@pytest.fixture
def arms(monkeypatch: pytest.MonkeyPatch) -> list[Arm]:
    """Return the arms that a fleet makes, in the order in which it makes them."""
    made: list[Arm] = []

    def make(*arguments: Any) -> Arm:
        made.append(Arm(*arguments))
        return made[-1]

    monkeypatch.setattr("serving.local.fleet.Arm", make)
    return made


def a_fleet(folder: Path) -> Fleet:
    around = Surroundings(folder, Book(folder / "book"), lambda: None, lambda _event, _line: None)
    return Fleet(None, folder, around)  # type: ignore[arg-type]


@pytest.mark.parametrize("ready", [1, 2])
def test_a_changed_arm_answers_as_it_was_until_the_new_one_is_ready_as_a_whole(
    tmp_path: Path, arms: list[Arm], ready: int
) -> None:
    fleet = a_fleet(tmp_path)
    changed = replace(SERVICE, version=2)
    fleet.follow({"pumps-v1": SERVICE})
    arms[0].replicas_ready = ready
    for replicas in (0, 1):
        fleet.follow({"pumps-v1": changed})
        arms[1].replicas_ready = replicas
        assert fleet.endpoints() == {"pumps-v1": arms[0].endpoints}
        assert not fleet.readiness().part
    arms[1].replicas_ready = 2
    fleet.follow({"pumps-v1": changed})
    assert fleet.endpoints() == {"pumps-v1": arms[1].endpoints}
    assert fleet.readiness().whole == {"pumps-v1"}


def test_an_arm_that_does_not_answer_at_all_is_replaced_at_once(
    tmp_path: Path, arms: list[Arm]
) -> None:
    fleet = a_fleet(tmp_path)
    fleet.follow({"pumps-v1": SERVICE})
    fleet.follow({"pumps-v1": replace(SERVICE, version=2)})
    assert fleet.endpoints() == {"pumps-v1": arms[1].endpoints}
