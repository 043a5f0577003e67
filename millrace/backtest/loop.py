"""Replay the loop, turn by turn; a turn that is known from an earlier attempt is not made again."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import median

from millrace.backtest.ageing import Trained, score_period
from millrace.backtest.result import Period, Policy, Turn
from millrace.backtest.schedule import Schedule
from millrace.backtest.turn import Champion, Workshop, told_of
from millrace.digests import digest_of_json
from millrace.errors import (
    ContractError,
    DatasetError,
    EvaluationError,
    MillraceError,
    TrainingError,
)
from millrace.ingest import Snapshot
from millrace.ingest.history import USUAL
from millrace.registry.bundle import MODEL
from millrace.workload import Workload
from millrace.workload.gates import ChampionGate

TURN = "turn.json"
BUNDLE = "bundle"


@dataclass
class Standing:
    """Who serves, while the loop is replayed.

    Attributes:
        first: the first model that was released, which is never retrained.
        champion: the newest that was released.
        newest: the newest candidate.
        champion_bundle: digest of the champion's bundle.
        usual: numbers of rows of the snapshots that were accepted.
        last: as-of time of the last turn that had a training set.
    """

    first: Trained | None = None
    champion: Trained | None = None
    newest: Trained | None = None
    champion_bundle: str = ""
    usual: list[int] = field(default_factory=list)
    last: datetime | None = None

    @property
    def policies(self) -> dict[Policy, Trained]:
        """Return whose model answers what comes next."""
        named: dict[Policy, Trained | None] = {
            "never retrained": self.first,
            "retrained": self.champion,
            "newest": self.newest if self.champion else None,
        }
        return {policy: trained for policy, trained in named.items() if trained is not None}

    @property
    def rival(self) -> Champion | None:
        """Return what the next candidate is compared with."""
        return Champion(self.champion_bundle, self.champion.bundle) if self.champion else None

    @property
    def usual_rows(self) -> int | None:
        """Return the usual number of rows of a snapshot; None if there was none."""
        return round(median(self.usual[-USUAL:])) if self.usual else None

    def basis(self, snapshot: Snapshot) -> str:
        """Return a digest of all that the next turn depends on beside the code."""
        models = [(one.as_of, one.model) if one else None for one in (self.first, self.newest)]
        last = self.last.isoformat() if self.last else None
        digest = snapshot.manifest.digest
        return digest_of_json([digest, self.champion_bundle, models, self.usual_rows, last])

    def learn(self, turn: Turn, folder: Path, as_of: datetime) -> None:
        """Take in what a turn brought about."""
        if turn.outcome != "rejected":
            self.usual.append(turn.snapshot_rows)
        if turn.rows:
            self.last = as_of
        if turn.bundle:
            self.newest = Trained(turn.as_of, folder / BUNDLE, turn.model)
        if turn.outcome == "released":
            self.champion, self.champion_bundle = self.newest, turn.bundle
            self.first = self.first or self.newest


def replay(
    workload: Workload,
    schedule: Schedule,
    home: Path,
    *,
    code_revision: str,
    told: Callable[[str], None] = lambda _: None,
) -> Iterator[Turn]:
    """Yield each turn of a schedule once it is done.

    A candidate that passes its gates counts as released and is the champion of the turns that
    follow. Each turn computes its features anew from its window, so that it costs the same however
    many there were before.

    Args:
        workload: whose loop is replayed; it has a clock.
        schedule: as of which times.
        home: folder of this backtest, where turns are kept; another code revision needs another.
        code_revision: digest of the workload's and the platform's code.
        told: is called with the name of each step before it begins.

    Raises:
        MillraceError: the source cannot be read, the workload's code fails, or the disk does not do
            as asked. A batch that is rejected, or that no model can be trained and tested on, is a
            turn without a release.
        OSError: the disk does not do as asked.
    """
    metric = metric_of(workload)
    standing = Standing()
    scratch = home / "scratch"
    try:
        for as_of in schedule.times:
            folder = _folder(home, as_of)
            shop = Workshop(workload, code_revision, as_of, scratch, told)
            snapshot = shop.ingest()
            turn = _known(folder, standing.basis(snapshot))
            if turn is None:
                turn = _made(shop, snapshot, standing, metric)
                _keep(turn, shop, folder)
            standing.learn(turn, folder, as_of)
            yield turn
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def kept(schedule: Schedule, home: Path) -> int:
    """Return how many turns of a schedule are kept in the folder of its backtest."""
    return sum((_folder(home, as_of) / TURN).exists() for as_of in schedule.times)


def metric_of(workload: Workload) -> str:
    """Return the metric by which a champion is held to its candidates."""
    gates = workload.spec.all_gates()
    return next(gate.champion for gate in gates if isinstance(gate, ChampionGate))


def _folder(home: Path, as_of: datetime) -> Path:
    return home / "turns" / as_of.strftime("%Y%m%dT%H%M%SZ")


def _known(folder: Path, basis: str) -> Turn | None:
    """Return what an earlier attempt found on the same basis; None if it must be made."""
    try:
        turn = Turn.read(folder / TURN)
    except MillraceError:  # there is none, or somebody has damaged it: it is made anew
        return None
    whole = not turn.bundle or (folder / BUNDLE / MODEL).exists()
    return turn if turn.basis == basis and whole else None


def _made(shop: Workshop, snapshot: Snapshot, standing: Standing, metric: str) -> Turn:
    """Go through the steps of a turn; what stops one of them stops no other turn."""
    began = time.monotonic()
    turn = Turn(
        as_of=shop.as_of.isoformat(),
        basis=standing.basis(snapshot),
        snapshot=snapshot.manifest.digest,
        snapshot_rows=snapshot.manifest.rows,
        champion=standing.champion_bundle,
        outcome="failed",
    )
    champion = standing.rival
    try:
        data = shop.dataset(snapshot, standing.usual_rows, champion)
        period = _period(shop, standing, metric)
        turn = turn.model_copy(update={"rows": data.rows, "period": period})
        found, verdict = shop.candidate(champion)
        bundle = shop.bundle(snapshot, data, found, verdict, champion)
        turn = told_of(turn, found.models[0].metrics[metric], verdict, bundle)
    except ContractError as error:
        turn = turn.model_copy(update={"outcome": "rejected", "reason": error.problem})
    except (DatasetError, EvaluationError) as error:
        turn = turn.model_copy(update={"reason": _told(error)})
    except TrainingError as error:
        if standing.newest is None:  # more likely the code than the records
            raise
        turn = turn.model_copy(update={"reason": _told(error)})
    return turn.model_copy(update={"seconds": round(time.monotonic() - began, 1)})


def _told(error: MillraceError) -> str:
    return f"{error.problem}; found {error.found}" if error.found else error.problem


def _period(shop: Workshop, standing: Standing, metric: str) -> Period | None:
    """Return how models did since the last training set, as far back as this one reaches."""
    if standing.last is None:
        return None
    start, clock = standing.last, shop.workload.spec.time
    if clock is not None and clock.window is not None:
        start = max(start, shop.as_of - clock.window)
    return score_period(
        shop.workload, shop.folder / "dataset", standing.policies, metric, start, shop.as_of
    )


def _keep(turn: Turn, shop: Workshop, folder: Path) -> None:
    """Keep a turn and its bundle; the document is written last, so one that is there is whole."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if turn.bundle:
        shutil.copytree(shop.folder / BUNDLE, folder / BUNDLE)
    turn.write(folder / TURN)
