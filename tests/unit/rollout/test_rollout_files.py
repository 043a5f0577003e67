"""What the controller reads of the platform and writes for people."""

from __future__ import annotations

from pathlib import Path

import pytest

from millrace.settings import Settings
from serving.local.instance import only_platform
from serving.local.state import ArmPhase, ArmState, PlatformState, state_file
from serving.rollout.readiness import LaptopReadiness
from serving.rollout.status import RolloutStatus, StatusFiles, read_status, status_file

DIGEST = "8" * 64


def report(settings: Settings, phase: ArmPhase) -> None:
    arm = ArmState(
        name="churn-v8", workload="churn", version="8", digest=DIGEST, latency=0.05, phase=phase
    )
    PlatformState(pid=1, started=0.0, gateway_port=8080, arms=[arm]).write(state_file(settings))


@pytest.mark.parametrize(
    ("phase", "digest", "ready"),
    [
        ("ready", DIGEST, True),
        ("ready", "7" * 64, False),
        ("starting", DIGEST, False),
        ("failed", DIGEST, False),
        ("draining", DIGEST, False),
    ],
)
def test_an_arm_is_ready_when_all_of_it_is_with_the_expected_bundle(
    tmp_path: Path, phase: ArmPhase, digest: str, ready: bool
) -> None:
    settings = Settings(home=tmp_path)
    with only_platform(settings):
        report(settings, phase)
        readiness = LaptopReadiness(settings)
        assert readiness.ready("churn-v8", digest) is ready
        assert not readiness.ready("churn-v9", digest)


def test_what_a_platform_left_behind_is_not_ready(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    with only_platform(settings):
        report(settings, "ready")
    assert not LaptopReadiness(settings).ready("churn-v8", DIGEST)


def test_a_state_that_cannot_be_read_is_not_ready(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    with only_platform(settings):
        state_file(settings).write_text("{")
        assert not LaptopReadiness(settings).ready("churn-v8", DIGEST)


def status(**values: object) -> RolloutStatus:
    told = {
        "workload": "churn",
        "phase": "waiting",
        "step": -1,
        "steps": 3,
        "since": 1.0,
        "started": 0.0,
        "canary": "churn-v8",
        "verdict": "",
        "reason": "churn-v8 is not ready",
        "written": 2.0,
    }
    return RolloutStatus.model_validate({**told, **values})


def test_a_status_is_written_when_it_says_something_new(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    files = StatusFiles(settings)
    files.write(status())
    files.write(status(written=3.0))
    assert read_status(settings, "churn") == status()
    files.write(status(written=4.0, reason="it is ready"))
    assert read_status(settings, "churn") == status(written=4.0, reason="it is ready")


def test_a_status_that_is_missing_or_broken_is_none(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    assert read_status(settings, "churn") is None
    file = status_file(settings, "churn")
    file.parent.mkdir(parents=True)
    file.write_text("[]")
    assert read_status(settings, "churn") is None


def test_a_disk_that_takes_no_status_stops_nothing(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    settings.platform_folder.parent.mkdir(parents=True, exist_ok=True)
    settings.platform_folder.write_text("a file where the folder should be")
    StatusFiles(settings).write(status())
    assert read_status(settings, "churn") is None
