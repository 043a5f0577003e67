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
from millrace.errors import ContractError, DatasetError, EvaluationError
from millrace.ingest import Snapshot
from millrace.ingest.history import USUAL
from millrace.workload import Workload
from millrace.workload.gates import ChampionGate

TURN = "turn.json"
BUNDLE = "bundle"


@dataclass
class Standing:
    """Who serves, while the loop is replayed.

    Attributes:
        first: the first model that was released.
        champion: the newest that was released.
        newest: the newest candidate.
        champion_bundle: digest of the champion's bundle.
        usual: numbers of rows of the snapshots that were accepted.
        last: as-of time of the turn before.
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

    def learn(self, turn: Turn, folder: Path, as_of: datetime) -> None:
        """Take in what a turn brought about."""
        self.last = as_of
        if turn.outcome in ("released", "gate failed"):
            self.usual.append(turn.snapshot_rows)
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
    """
    metric = metric_of(workload)
    standing = Standing()
    for as_of in schedule.times:
        folder = home / "turns" / as_of.strftime("%Y%m%dT%H%M%SZ")
        shop = Workshop(workload, code_revision, as_of, home / "scratch", told)
        snapshot = shop.ingest()
        turn = _known(folder, snapshot, standing)
        if turn is None:
            turn = _made(shop, snapshot, standing, metric, folder)
        standing.learn(turn, folder, as_of)
        shutil.rmtree(shop.folder, ignore_errors=True)
        yield turn


def metric_of(workload: Workload) -> str:
    """Return the metric by which a champion is held to its candidates."""
    gates = workload.spec.all_gates()
    return next(gate.champion for gate in gates if isinstance(gate, ChampionGate))


def _known(folder: Path, snapshot: Snapshot, standing: Standing) -> Turn | None:
    """Return what an earlier attempt found for the same snapshot and champion, if it did."""
    if not (folder / TURN).exists():
        return None
    turn = Turn.read(folder / TURN)
    same = (snapshot.manifest.digest, standing.champion_bundle, _before(standing))
    before = turn.period.start if turn.period else ""
    return turn if (turn.snapshot, turn.champion, before) == same else None


def _before(standing: Standing) -> str:
    return standing.last.isoformat() if standing.last else ""


def _made(
    shop: Workshop, snapshot: Snapshot, standing: Standing, metric: str, folder: Path
) -> Turn:
    began = time.monotonic()
    turn = Turn(
        as_of=shop.as_of.isoformat(),
        snapshot=snapshot.manifest.digest,
        snapshot_rows=snapshot.manifest.rows,
        champion=standing.champion_bundle,
        outcome="failed",
    )
    champion = standing.rival
    try:
        data = shop.dataset(snapshot, standing.usual_rows, champion)
        turn = turn.model_copy(update={"period": _period(shop, standing, metric)})
        found, verdict = shop.candidate(champion)
        turn = told_of(turn, data, verdict)
        bundle = shop.bundle(snapshot, data, found, verdict, champion)
        turn = turn.model_copy(
            update={
                "score": found.models[0].metrics[metric],
                "bundle": bundle.digest,
                "model": bundle.card.model,
            }
        )
    except ContractError as error:
        turn = turn.model_copy(update={"outcome": "rejected", "reason": error.problem})
    except (DatasetError, EvaluationError) as error:
        turn = turn.model_copy(update={"outcome": "failed", "reason": error.problem})
    if turn.period is None and standing.last is not None:
        turn = turn.model_copy(update={"period": _unseen(standing.last, shop.as_of)})
    turn = turn.model_copy(update={"seconds": round(time.monotonic() - began, 1)})
    _keep(turn, shop, folder)
    return turn


def _period(shop: Workshop, standing: Standing, metric: str) -> Period | None:
    if standing.last is None:
        return None
    return score_period(
        shop.workload,
        shop.folder / "dataset",
        standing.policies,
        metric,
        standing.last,
        shop.as_of,
    )


def _unseen(start: datetime, end: datetime) -> Period:
    return Period(
        start=start.isoformat(),
        end=end.isoformat(),
        rows=0,
        mean_label=0,
        showings=[],
        problem="the turn that would have measured it made no training set",
    )


def _keep(turn: Turn, shop: Workshop, folder: Path) -> None:
    """Keep a turn and its bundle; the document is written last, so one that is there is whole."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if turn.bundle:
        shutil.copytree(shop.folder / BUNDLE, folder / BUNDLE)
    turn.write(folder / TURN)
