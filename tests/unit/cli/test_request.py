"""Nonsense is answered before a run starts."""

from dataclasses import replace
from pathlib import Path

import pytest

from cli.request import Request, check_goes_with_backtest
from millrace.errors import MillraceError
from millrace.storage.folder import FolderStore
from millrace.workload import Workload, load_workload
from millrace.workload.time import Time

DIGESTS = ["abcdef01" * 8, "abcdef02" * 8]


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    for digest in DIGESTS:
        (tmp_path / "store" / "bundles" / "sha256" / digest).mkdir(parents=True)
    return FolderStore("s3://millrace", tmp_path / "store")


@pytest.fixture
def timed() -> Workload:
    workload = load_workload("workloads/churn")
    spec = workload.spec.model_copy(update={"time": Time(event="tenure")})
    return replace(workload, spec=spec)


def request(as_of: str = "", window: str = "", champion: str = "auto") -> Request:
    return Request("churn", as_of, window, champion, "manual")


def test_a_request_becomes_the_pipelines_parameters(timed: Workload, store: FolderStore) -> None:
    asked = request("2026-03-01", "2026-02-01..2026-03-01", DIGESTS[0])
    assert asked.arguments(timed, store) == {
        "signal": "manual",
        "as_of": "2026-03-01",
        "window_start": "2026-02-01",
        "window_end": "2026-03-01",
        "champion_bundle": DIGESTS[0],
    }


def test_a_champion_is_named_by_the_start_of_its_digest(
    timed: Workload, store: FolderStore
) -> None:
    named = request(champion="abcdef02").arguments(timed, store)
    assert named["champion_bundle"] == DIGESTS[1]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (request(as_of="yesterday"), "--as-of: is no time; found 'yesterday'"),
        (request(window="2026-02"), "--window: is no window; found '2026-02'"),
        (request(window="2026-02-01.."), "--window: is no window"),
        (request(window="a..b"), "is no time; found 'a'"),
        (request(window="2026-03-01..2026-02-01"), "START before END"),
        (request(champion="best"), "--champion: names no champion; found 'best'"),
        (request(champion="abcde"), "at least 6"),
        (request(champion="abcdef"), "--champion abcdef: more than one bundle begins so"),
        (request(champion="123456"), "--champion 123456: there is no such bundle"),
    ],
)
def test_nonsense_is_answered_in_one_line(
    asked: Request, told: str, timed: Workload, store: FolderStore
) -> None:
    with pytest.raises(MillraceError) as raised:
        asked.arguments(timed, store)
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_workload_without_a_clock_has_no_window(store: FolderStore) -> None:
    with pytest.raises(MillraceError, match="has no time"):
        request(window="2026-02-01..2026-03-01").arguments(load_workload("workloads/churn"), store)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (Request("w", "2026-03-01", "", "auto", "manual"), "--as-of: makes no sense with"),
        (Request("w", "", "2026-03-01..2026-04-01", "auto", "manual"), "--window: makes no sense"),
        (Request("w", "", "", "none", "manual"), "--champion: makes no sense with --backtest"),
        (Request("w", "", "", "auto", "drift"), "found 'drift'; leave it out"),
    ],
)
def test_a_backtest_decides_itself_what_a_run_may_be_told(asked: Request, told: str) -> None:
    with pytest.raises(MillraceError, match=told):
        asked.check_replayable()


def test_a_plain_request_can_be_replayed() -> None:
    request().check_replayable()


def test_an_option_of_backtests_is_not_ignored_without_one() -> None:
    check_goes_with_backtest("--every", None)
    with pytest.raises(MillraceError, match="--every: says nothing without --backtest"):
        check_goes_with_backtest("--every", "3d")
