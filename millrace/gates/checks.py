"""The gates: one pure function a kind, chosen by the class of the declared gate."""

from __future__ import annotations

import sys
from functools import singledispatch
from typing import Literal

from millrace.evaluation.result import (
    HIGHER_IS_BETTER,
    IN_UNIT_OF_LABEL,
    Evaluation,
    ModelResult,
)
from millrace.gates import wording
from millrace.gates.verdict import GateResult
from millrace.workload.gates import (
    BaselineGate,
    ChampionGate,
    FloorGate,
    LatencyGate,
    ParityGate,
    SizeGate,
    SliceGate,
)

Outcome = Literal["pass", "fail", "not applicable"]


@singledispatch
def check(gate: object, evaluation: Evaluation) -> GateResult:
    """Return what a gate says of an evaluated candidate.

    Raises:
        TypeError: there is no check for this kind of gate.
    """
    raise TypeError(f"no check for {type(gate).__name__} of {len(evaluation.models)} models")


@check.register
def _floor(gate: FloorGate, evaluation: Evaluation) -> GateResult:
    estimate = evaluation.models[0].metrics[gate.metric]
    bound, sign = (gate.min, ">=") if gate.min is not None else (gate.max, "<=")
    if bound is None:
        raise TypeError("a metric gate has min or max")
    holds = estimate.value >= bound if sign == ">=" else estimate.value <= bound
    return GateResult(
        gate=f"{gate.metric} {sign} {bound:g}",
        outcome=_passed(holds),
        evidence=f"{wording.metric(estimate.value, limit=bound)} ({wording.interval(estimate)})",
        value=estimate.value,
        limit=bound,
    )


@check.register
def _champion(gate: ChampionGate, evaluation: Evaluation) -> GateResult:
    name = f"{gate.champion} not worse than champion by {_told_margin(gate.champion, gate.margin)}"
    if evaluation.champion_problem is not None:
        return GateResult(
            gate=name,
            outcome="fail",
            evidence=f"cannot be compared: {evaluation.champion_problem}",
            limit=_limit(gate.champion, gate.margin),
        )
    champion = evaluation.model("champion")
    if champion is None:
        why = "no champion: this is the first"
        return _not_applicable(name, why, _limit(gate.champion, gate.margin))
    result = _not_worse(name, gate.champion, gate.margin, champion, evaluation)
    if not evaluation.excluded:
        return result
    told = f"{result.evidence}; without {evaluation.excluded} rows that it had trained on"
    return result.model_copy(update={"evidence": told})


@check.register
def _baseline(gate: BaselineGate, evaluation: Evaluation) -> GateResult:
    margin = _told_margin(gate.baseline, gate.margin)
    name = f"{gate.baseline} not worse than the better baseline by {margin}"
    baselines = [model for model in evaluation.models if model.role == "baseline"]
    if not baselines:
        why = "no baseline was evaluated"
        return _not_applicable(name, why, _limit(gate.baseline, gate.margin))
    sign = 1 if HIGHER_IS_BETTER[gate.baseline] else -1
    better = max(baselines, key=lambda model: sign * model.metrics[gate.baseline].value)
    return _not_worse(name, gate.baseline, gate.margin, better, evaluation)


@check.register
def _slice(gate: SliceGate, evaluation: Evaluation) -> GateResult:
    name = f"{gate.metric} gap by {gate.slice} <= {gate.gap:g}"
    found = next((s for s in evaluation.slices if s.slice == gate.slice), None)
    if found is None or len(found.groups) < 2:
        return _not_applicable(name, "fewer than two groups are large enough to tell", gate.gap)
    gap = found.gaps[gate.metric]
    groups = sorted(found.groups, key=lambda group: group.metrics[gate.metric].value)
    low, high = (
        f"{wording.metric(group.metrics[gate.metric].value)} for {group.group or 'missing'}"
        for group in (groups[0], groups[-1])
    )
    surely = gap.low > gate.gap
    doubt = ", not surely above the limit" if gap.value > gate.gap and not surely else ""
    return GateResult(
        gate=name,
        outcome=_passed(not surely),
        evidence=f"{wording.metric(gap.value, limit=gate.gap)} "
        f"({wording.interval(gap, limit=gate.gap)}{doubt}): {low}, {high}",
        value=gap.low,
        limit=gate.gap,
    )


@check.register
def _parity(gate: ParityGate, evaluation: Evaluation) -> GateResult:
    row = (
        "" if evaluation.parity_row is None else f" in row {evaluation.parity_row} of test.parquet"
    )
    greatest = wording.quantity(evaluation.parity, limit=gate.parity)
    no_number = evaluation.parity == sys.float_info.max
    return GateResult(
        gate=f"ONNX equals torch within {gate.parity:g}",
        outcome=_passed(evaluation.parity <= gate.parity),
        evidence=("no number from torch" if no_number else f"greatest difference {greatest}") + row,
        value=evaluation.parity,
        limit=gate.parity,
    )


@check.register
def _latency(gate: LatencyGate, evaluation: Evaluation) -> GateResult:
    limit = gate.latency.total_seconds()
    p50, p99 = evaluation.latency["p50"], evaluation.latency["p99"]
    return GateResult(
        gate=f"p99 latency <= {wording.seconds(limit)}",
        outcome=_passed(p99 <= limit),
        evidence=f"{wording.seconds(p99, limit=limit)} for one row on one thread "
        f"(median {wording.seconds(p50)})",
        value=p99,
        limit=limit,
    )


@check.register
def _size(gate: SizeGate, evaluation: Evaluation) -> GateResult:
    return GateResult(
        gate=f"model.onnx <= {wording.size(gate.size)}",
        outcome=_passed(evaluation.model_size <= gate.size),
        evidence=wording.size(evaluation.model_size, limit=gate.size),
        value=evaluation.model_size,
        limit=gate.size,
    )


def _not_worse(
    name: str, metric: str, margin: float, other: ModelResult, evaluation: Evaluation
) -> GateResult:
    difference = next(
        comparison.difference
        for comparison in evaluation.comparisons
        if comparison.other == other.name and comparison.metric == metric
    )
    theirs = other.metrics[metric].value
    limit = -margin * theirs if metric in IN_UNIT_OF_LABEL else -margin
    low = wording.difference(difference.low, limit=limit)
    allowed = ""
    if metric in IN_UNIT_OF_LABEL:
        share = _told_margin(metric, margin)
        allowed = f", of which {share} is {wording.quantity(-limit)}"
    return GateResult(
        gate=name,
        outcome=_passed(difference.low > limit),
        evidence=f"{wording.difference(difference.value)} (95 % interval {low} to "
        f"{wording.difference(difference.high)}) to {other.name.replace('_', ' ')}'s "
        f"{wording.metric(theirs)}{allowed}",
        value=difference.low,
        limit=limit,
    )


def _told_margin(metric: str, margin: float) -> str:
    return f"{100 * margin:g} %" if metric in IN_UNIT_OF_LABEL else f"{margin:g}"


def _limit(metric: str, margin: float) -> float | None:
    """Return a margin as limit, or None where it is a share of what is not there."""
    return None if metric in IN_UNIT_OF_LABEL else 0 - margin


def _passed(holds: bool) -> Outcome:
    return "pass" if holds else "fail"


def _not_applicable(name: str, why: str, limit: float | None) -> GateResult:
    return GateResult(gate=name, outcome="not applicable", evidence=why, limit=limit)
