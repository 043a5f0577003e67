"""An arm whose bundle cannot be opened is told as failed, whatever the reason, and tried again."""

import asyncio
from pathlib import Path

import pytest
from stand_ins import until

from millrace.errors import StoreError
from millrace.registry import bundle_key
from millrace.release.kubernetes import InferenceService
from millrace.storage.folder import FolderStore
from serving.local.arm import Arm
from serving.local.children import Book
from serving.local.replica import Surroundings

DIGEST = "d" * 64


class Store(FolderStore):
    """A store that answers with one error after the other."""

    def __init__(self, folder: Path, errors: list[Exception]) -> None:
        super().__init__("s3://millrace", folder)
        self._errors = errors

    def fetch(self, key: str, folder: Path) -> Path:
        raise self._errors.pop(0) if len(self._errors) > 1 else self._errors[0]


def service() -> InferenceService:
    return InferenceService(
        name="pumps-v1",
        workload="pumps",
        digest=DIGEST,
        version=1,
        storage_uri=f"s3://millrace/{bundle_key(DIGEST)}",
        args=(),
        replicas=1,
    )


async def reasons(folder: Path, scratch: Path, errors: list[Exception]) -> list[str]:
    """Return what is told of an arm until its last error, after which it must be `failed`."""
    told: list[str] = []

    def tell(event: str, line: str) -> None:
        assert event == "arm_failed"
        told.append(line)

    around = Surroundings(folder, Book(folder / "book.json"), lambda: None, tell)
    arm = Arm(service(), Store(folder, list(errors)), scratch, around)
    arm.start()
    try:

        async def all_told() -> bool:
            return len(told) == len(errors)

        await until(all_told)
        assert arm.phase == "failed"
        assert arm.reason in told[-1]
    finally:
        await arm.stop()
    return told


def test_a_disk_that_takes_no_bundle_is_the_reason_why_an_arm_has_failed(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"")
    [told] = asyncio.run(reasons(tmp_path, file / "scratch", [StoreError("never asked")]))
    assert told.startswith(f"pumps-v1 failed: {file / 'scratch'}: no bundle can be copied there")


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), KeyError("x")])
def test_an_error_that_nobody_foresaw_fails_an_arm_and_it_is_tried_again(
    tmp_path: Path, error: Exception
) -> None:
    errors = [error, StoreError("nothing lies there")]
    first, then = asyncio.run(reasons(tmp_path, tmp_path / "scratch", errors))
    assert type(error).__name__ in first
    assert "Traceback" in (tmp_path / "platform.log").read_text()
    assert "nothing lies there" in then
