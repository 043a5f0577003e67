"""The wish to end the platform is never lost, whatever happens at the same moment."""

import asyncio
from pathlib import Path

import pytest

from millrace.settings import Settings
from serving.local.platform import Platform


def test_an_end_that_comes_together_with_a_change_is_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ended() -> bool:
        platform = Platform(Settings(home=tmp_path), lambda _event, _line: None)
        looked = asyncio.Event()

        async def reconcile() -> None:
            looked.set()

        monkeypatch.setattr(platform, "_reconcile", reconcile)
        task = asyncio.create_task(platform._reconcile_for_ever())
        await looked.wait()
        await asyncio.sleep(0)  # it has begun to wait for the next change
        platform._wake.set()
        task.cancel()
        await asyncio.wait({task}, timeout=0.5)
        heard = task.cancelled()
        task.cancel()
        return heard

    assert asyncio.run(ended())
