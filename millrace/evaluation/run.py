"""Evaluate a candidate: score every model on the same held-out rows and compare them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from millrace.errors import EvaluationError, MillraceError
from millrace.evaluation.baselines import score_baselines
from millrace.evaluation.budget import latency, parity
from millrace.evaluation.champion import Champion, counts, score_champion
from millrace.evaluation.contest import Contender, hold
from millrace.evaluation.held_out import Rows, read_rows
from millrace.evaluation.result import Evaluation
from millrace.evaluation.scoring import features_of, score
from millrace.evaluation.task import Task, task_of
from millrace.export.manifest import ExportManifest
from millrace.progress import say
from millrace.workload import Workload

_THREADS = 1
"""Threads of numpy and scikit-learn: sums come out the same on every machine, and where two cores
are shared with other work gradient boosting on two threads took ten times as long."""


def evaluate(
    workload: Workload,
    dataset: Path,
    exported: Path,
    *,
    champion: Path | None,
    champion_digest: str | None,
) -> Evaluation:
    """Return how the exported candidate does on the held-out rows, next to other models.

    All but the latency is the same whenever it is run on the same files.

    Args:
        workload: what the model is for; its training seed seeds the bootstrap.
        dataset: folder of the training set.
        exported: folder of the candidate's export.
        champion: folder of the champion's bundle, if there is a champion.
        champion_digest: digest of that bundle.

    Raises:
        EvaluationError: the candidate cannot be scored, or the held-out rows tell nothing. A
            champion that cannot be compared is no fault, but the result's `champion_problem`.
    """
    task = task_of(workload.spec.target)
    held_out, seen = read_rows(dataset, "test"), read_rows(dataset, "train", "validation")
    export = ExportManifest.read(exported / "export.json")
    model_file = exported / "model.onnx"

    candidate = _score_candidate(model_file, held_out, export, task)
    say("model_scored", model="candidate", rows=len(held_out))
    rival, problem = _try_champion(champion, held_out, task)
    with threadpool_limits(limits=_THREADS):
        contenders = [Contender("candidate", "candidate", candidate, export.model)]
        if rival is not None:
            fair = None if len(rival.fair) == len(held_out) else rival.fair
            contenders.append(
                Contender("champion", "champion", rival.answers, champion_digest, fair)
            )
        for name, answers in score_baselines(seen, held_out, task.quantiles).items():
            contenders.append(Contender(name, "baseline", answers))
            say("model_scored", model=name, rows=len(held_out))
        found = hold(task, held_out, contenders, seed=workload.spec.training.seed)

    difference, row = parity(exported / "parity.parquet", candidate, task.quantiles)
    return Evaluation(
        rows=len(held_out),
        positives=held_out.positives(),
        models=found.models,
        comparisons=found.comparisons,
        slices=found.slices,
        periods=found.periods,
        excluded=0 if rival is None else len(held_out) - len(rival.fair),
        champion_problem=problem,
        champion_bins=None if rival is None else _counted(rival.answers, rival),
        candidate_bins=None if rival is None else _counted(candidate, rival),
        parity=difference,
        parity_row=row,
        latency=latency(model_file, held_out.frame, export.inputs, export.outputs),
        model_size=model_file.stat().st_size,
    )


def _counted(answers: NDArray[np.float64], champion: Champion) -> list[int]:
    return counts(answers[champion.fair, 0], champion.bins)


def _score_candidate(
    model_file: Path, rows: Rows, export: ExportManifest, task: Task
) -> NDArray[np.float64]:
    answers = score(model_file, rows.frame, export.inputs, export.outputs)
    odd = np.flatnonzero(~task.possible(answers))
    if odd.size:
        row = int(odd[0])
        told = ", ".join(f"{answer:g}" for answer in answers[row])
        raise EvaluationError(
            f"the prediction for row {row} of test.parquet is not {task.answer}",
            where=str(model_file),
            found=f"{told} for {features_of(rows.frame, export.inputs, row)}",
            remedy="let the torch module end in what its target's kind needs",
        )
    return answers


def _try_champion(
    bundle: Path | None, rows: Rows, task: Task
) -> tuple[Champion | None, str | None]:
    """Return the champion, or why there is one that cannot be compared."""
    if bundle is None:
        return None, None
    try:
        champion = score_champion(bundle, rows, task)
    except MillraceError as error:
        say("champion_not_comparable", reason=str(error))
        return None, str(error)
    say("model_scored", model="champion", rows=len(champion.fair))
    return champion, None
