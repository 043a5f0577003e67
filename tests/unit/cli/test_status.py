"""`millrace status`: what Git, the platform and the counters say, put together for people."""

import io
import json
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from cli.commands import status as command
from cli.commands.status import status
from cli.interrupt import Interrupted
from cli.status.facts import Facts
from cli.status.gather import gather
from cli.status.show import shown
from cli.status.traffic import traffic_of
from millrace.analysis import IndicatorEvidence, Judgement
from millrace.deploy import open_forge, open_repository
from millrace.errors import DeployError, MillraceError
from millrace.release import ArmRef, Canary, Site, advance, applied, propose_candidate
from millrace.release.arms import canary_arm
from millrace.release.reading import read_release
from millrace.release.writing import first_release
from millrace.settings import Settings
from millrace.workload.rollout import Rollout
from millrace.workload.serving import Serving
from serving.local.instance import only_platform
from serving.local.state import ArmState, PlatformState, ReplicaState, RouteState, state_file
from serving.metrics.log import Scrape, metrics_log
from serving.rollout.status import RolloutStatus, status_file

NOW = 1_790_000_000.0
STABLE = ArmRef(version=1, digest="1" * 64, name="churn-v1")
CANARY = Canary(version=2, digest="2" * 64, name="churn-v2")


@dataclass
class Place:
    """A home with a deploy repository, and perhaps a platform."""

    settings: Settings

    def put(self, changes: dict[str, bytes | None]) -> None:
        repository = open_repository(self.settings)
        repository.commit(repository.head(), changes, "Change what serves")

    def release(self) -> None:
        self.put(dict(first_release("churn", STABLE, Serving(), Rollout(), Site(), now=NOW)))

    def with_canary(self) -> None:
        repository = open_repository(self.settings)
        files = repository.files(repository.head(), "churn")
        release = read_release(files, "churn")
        arm = canary_arm(files, release, CANARY, Serving(), Site())
        changes = propose_candidate(
            files, release, CANARY, arm, serving=Serving(), rollout=Rollout(), now=NOW
        )
        files = applied(files, changes)
        first = advance(files, read_release(files, "churn"), now=NOW, reason="ready")
        self.put({**changes, **first})

    def runs(self, weights: dict[str, int], **more: Any) -> None:
        arms = [
            ArmState(
                name=name,
                workload="churn",
                version=name[-1],
                digest=name[-1] * 64,
                latency=0.05,
                phase="ready",
                replicas=[ReplicaState(index=0, ready=True, restarts=2)],
            )
            for name in weights
        ]
        route = RouteState(workload="churn", hosts=[], weights=weights, declared={}, **more)
        state = PlatformState(
            pid=1, started=time.time() - 60, gateway_port=8080, arms=arms, routes=[route]
        )
        state.write(state_file(self.settings))

    def text(self, only: str = "", width: int = 200) -> str:
        console = Console(width=width, record=True, file=io.StringIO())
        console.print(shown(gather(self.settings, only), width))
        return console.export_text()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(Settings(home=tmp_path))


@pytest.fixture
def platform(place: Place) -> Iterator[None]:
    with only_platform(place.settings):
        yield


def test_where_nothing_is_released_it_says_what_to_do(place: Place) -> None:
    text = place.text()
    assert "`millrace up`" in text
    assert "`millrace run WORKLOAD` proposes a first release" in text


def test_without_a_platform_it_shows_what_git_says(place: Place) -> None:
    place.release()
    text = place.text()
    assert "churn-v1" in text
    assert "not running" in text
    assert "100 %" in text


@pytest.mark.usefixtures("platform")
def test_it_shows_weights_traffic_verdict_and_pull_requests(place: Place) -> None:
    place.release()
    place.with_canary()
    place.runs({"churn-v1": 100, "churn-v2": 0}, waits_for="churn-v2 is starting")
    now = time.time()
    counts = {"requests": 200.0, "errors": 20.0, "fast": 190.0, "_below/50": 200.0}
    log = metrics_log(place.settings)
    log.append([Scrape(now - 20, "churn-v2", "envoy/1-1", dict.fromkeys(counts, 0.0))], now)
    log.append([Scrape(now, "churn-v2", "envoy/1-1", counts)], now)
    evidence = IndicatorEvidence(
        indicator="errors",
        finding="worse",
        stable_events=900,
        stable_bad=9,
        canary_events=200,
        canary_bad=20,
        tolerance=0.005,
        evidence_worse=2.0,
        evidence_no_worse=-1.0,
        evidence_promotion=-3.0,
        needed=1.3,
    )
    judgement = Judgement(
        verdict="roll back", reason="errors", samples=200, indicators=[evidence], intervals=3
    )
    RolloutStatus(
        workload="churn",
        phase="progressing",
        step=0,
        steps=3,
        since=now,
        started=now,
        canary="churn-v2",
        verdict="roll back",
        reason="errors are beyond the tolerance",
        judgement=judgement,
        written=now,
    ).write(status_file(place.settings, "churn"))
    repository = open_repository(place.settings)
    open_forge(place.settings).propose(
        "millrace/churn/222222222222/step-1-roll-back",
        repository.head(),
        {"churn/note.txt": b"-"},
        title="Roll back churn v2",
        body="",
    )
    text = place.text("churn")
    assert "0 → 5 %" in text, "the weight that is applied, and the one that Git says"
    assert "churn-v2 was started again 2 times" in text
    assert "10.0" in text, "requests a second"
    assert "10 %" in text, "errors"
    assert "≤ 50 ms" in text
    assert "the split waits: churn-v2 is starting" in text
    assert "errors are beyond the tolerance" in text
    assert "100" in text, "the odds that it is worse"
    assert "20 is enough" in text
    assert "#1: Roll back churn v2" in text


def test_a_release_that_cannot_be_read_is_told_and_hides_no_other(place: Place) -> None:
    place.release()
    place.put({"pumps/rollout.yaml": b"kind: nothing\n"})
    text = place.text()
    assert "pumps/rollout.yaml" in text
    assert "churn-v1" in text


@pytest.mark.usefixtures("platform")
def test_what_runs_is_shown_although_its_release_cannot_be_read(place: Place) -> None:
    place.release()
    place.put({"churn/rollout.yaml": b"kind: nothing\n"})
    place.runs({"churn-v1": 100})
    text = place.text()
    assert text.count("churn/rollout.yaml") == 1
    assert re.search(r"churn-v1 +unknown +ready +1{12} +100 %", text)


@pytest.mark.usefixtures("platform")
def test_nothing_is_torn_apart_on_eighty_columns(place: Place) -> None:
    place.release()
    place.with_canary()
    place.runs({"churn-v1": 100, "churn-v2": 0})
    now = time.time()
    log = metrics_log(place.settings)
    counts = {"requests": 20_000.0, "errors": 20.0, "fast": 1.0, "_below/1000": 20_000.0}
    for arm in ("churn-v1", "churn-v2"):
        log.append([Scrape(now - 20, arm, "envoy/1-1", dict.fromkeys(counts, 0.0))], now)
        log.append([Scrape(now, arm, "envoy/1-1", counts)], now)
    text = place.text(width=80)
    row = r"churn-v2 +canary +ready +0 → 5 % +1,000 +0.1 % +100 % +≤ 1 s +≤ 1 s"
    assert re.search(row, text)
    assert "…" not in text


def test_an_unknown_workload_is_an_error(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILLRACE_HOME", str(place.settings.home))
    with pytest.raises(MillraceError, match="chrun: the deploy repository has no such workload"):
        status("chrun", watch=False, as_json=False)


def test_ctrl_c_ends_watching_without_a_complaint(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def press_ctrl_c(_seconds: float) -> None:
        raise Interrupted

    monkeypatch.setenv("MILLRACE_HOME", str(place.settings.home))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr("cli.commands.status.time", SimpleNamespace(sleep=press_ctrl_c))
    status("", watch=True, as_json=False)


def test_watching_goes_on_after_a_fault_that_passes(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The faulty look is shown in red above what was known, and the next look is as ever."""
    screen = io.StringIO()
    looks = iter(["first", "fault", "well"])

    def look(settings: Settings, only: str) -> Facts:
        now = next(looks, None)
        if now is None:
            raise Interrupted
        if now == "fault":
            raise DeployError("no answer within 10 s", where="git.example")
        return gather(settings, only)

    monkeypatch.setenv("MILLRACE_HOME", str(place.settings.home))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(command, "REFRESH_SECONDS", 0)
    monkeypatch.setattr(command, "gather", look)
    console = Console(file=screen, width=100, force_terminal=True)
    monkeypatch.setattr(command, "console", console)
    place.release()
    status("", watch=True, as_json=False)
    _first, fault, well = screen.getvalue().split("No platform runs here")[:3]
    assert "git.example: no answer within 10 s" in fault
    assert "What follows was so 0 s ago" in fault
    assert "no answer" not in well


def test_json_is_the_facts_and_nothing_else(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MILLRACE_HOME", str(place.settings.home))
    place.release()
    status("", watch=False, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in told["workloads"]] == ["churn"]
    assert told["workloads"][0]["arms"][0]["declared"] == 100
    assert told["running"] is False


def test_a_step_lasts_since_it_was_merged_not_since_it_was_written(place: Place) -> None:
    place.release()
    place.with_canary()  # its files say that they were written at NOW
    repository = open_repository(place.settings)
    merged = repository.history(repository.head(), "churn")[0].time
    (workload,) = gather(place.settings).workloads
    assert workload.phase == "progressing"
    assert workload.since == merged != NOW


def test_the_repository_is_told_without_its_password(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.release()
    address = "https://ada:secret@git.example/deploy.git"
    settings = place.settings.model_copy(update={"deploy_repository": address})
    for name, opened in (("open_repository", open_repository), ("open_forge", open_forge)):
        monkeypatch.setattr(f"cli.status.gather.{name}", lambda _, o=opened: o(place.settings))
    assert gather(settings).repository == "https://git.example/deploy.git"


def scrape(time: float, instance: str, requests: float, errors: float = 0.0) -> Scrape:
    counters = {"requests": requests, "errors": errors, "fast": requests}
    return Scrape(time, "churn-v1", instance, counters)


def test_traffic_is_what_grew_also_over_a_restart() -> None:
    found = traffic_of(
        [
            scrape(0, "envoy/1", 1000, 500),
            scrape(10, "envoy/1", 1100, 500),
            scrape(20, "envoy/1", 50, 25),  # it began anew
        ]
    )
    assert found.requests_per_second == 150 / 20
    assert found.errors == 25 / 150
    assert found.slow == 0


def test_an_arm_without_requests_has_no_shares() -> None:
    found = traffic_of([scrape(0, "envoy/1", 10), scrape(10, "envoy/1", 10)])
    assert (found.requests_per_second, found.errors, found.slow, found.p99) == (0, None, None, None)
