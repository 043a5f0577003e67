"""See that the parts of a specification fit each other; each fault names the place of one part.

Every function here raises a PydanticCustomError, for a validator of the whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from millrace.workload.base import misfit, misplaced
from millrace.workload.gates import Gate, SliceGate, metric_of
from millrace.workload.split import TimeSplit
from millrace.workload.target import BinaryTarget, RegressionTarget

if TYPE_CHECKING:
    from millrace.workload.contract import Contract
    from millrace.workload.spec import WorkloadSpec
    from millrace.workload.time import Time

Place = tuple[str | int, ...]


def check_fit(spec: WorkloadSpec) -> None:
    """Hold the parts of a specification to each other."""
    for place, column in _named_columns(spec):
        if column not in spec.contract.columns:
            raise misfit(place, column, spec.contract.columns, "a column of the contract")
    _check_time(spec)
    for number, gate in enumerate(spec.gates):
        _check_gate(spec, number, gate)
    if isinstance(spec.target, BinaryTarget):
        _check_classes(spec, spec.target)
    else:
        _check_number(spec, spec.target)
    _check_request(spec)


def _named_columns(spec: WorkloadSpec) -> Iterator[tuple[Place, str]]:
    """Yield each column that is named outside the contract, with the place where it is."""
    if spec.time is not None:
        yield ("time", "event"), spec.time.event
        if spec.time.label_known is not None:
            yield ("time", "label_known"), spec.time.label_known
        for number, column in enumerate(spec.time.outcome):
            yield ("time", "outcome", number), column
    yield ("target", "column"), spec.target.column
    for number, column in enumerate(spec.slices):
        yield ("slices", number), column
    for number, column in enumerate(spec.request):
        yield ("request", number), column


def _check_time(spec: WorkloadSpec) -> None:
    time, split, contract = spec.time, spec.split, spec.contract
    if time is None:
        if split.by == "time" or contract.freshness or contract.completeness.gap:
            raise ValueError("a split by time, and limits of freshness and of gaps, need `time`")
        return
    _check_clock(time, contract)
    for name in sorted(spec.late_columns):
        if not contract.columns[name].nullable:
            place = ("contract", "columns", name)
            raise misplaced(place, "is missing until it becomes known: set nullable")
    if isinstance(split, TimeSplit):
        if time.window and time.window <= split.test + split.validation:
            raise misplaced(("time", "window"), "is no longer than test and validation together")
        if split.roll and split.roll > split.test:
            raise misplaced(("split", "roll"), "is longer than the test window")


def _check_clock(time: Time, contract: Contract) -> None:
    """See that the columns that tell when something was are timestamps."""
    clocks = [name for name, column in contract.columns.items() if column.type == "timestamp"]
    for key, name in (("event", time.event), ("label_known", time.label_known)):
        if name is not None and name not in clocks:
            raise misfit(("time", key), name, clocks, "a column of type timestamp")


def _check_gate(spec: WorkloadSpec, number: int, gate: Gate) -> None:
    if isinstance(gate, SliceGate) and gate.slice not in spec.slices:
        raise misfit(("gates", number, "slice"), gate.slice, spec.slices, "one of the slices")
    named = metric_of(gate)
    if named is not None and named[1] not in spec.target.metrics:
        what = f"a metric of the target, which is {spec.target.meaning}"
        raise misfit(("gates", number, named[0]), named[1], spec.target.metrics, what)


def _check_classes(spec: WorkloadSpec, target: BinaryTarget) -> None:
    allowed = spec.contract.columns[target.column].allowed
    if allowed is not None and target.positive not in allowed:
        what = f"a value of the column {target.column!r}"
        raise misfit(("target", "positive"), target.positive, allowed, what)


def _check_number(spec: WorkloadSpec, target: RegressionTarget) -> None:
    columns = spec.contract.columns
    if columns[target.column].type not in ("integer", "number"):
        numbers = [name for name in columns if columns[name].type in ("integer", "number")]
        what = "a column of type integer or number"
        raise misfit(("target", "column"), target.column, numbers, what)
    if spec.training.class_weight != "none":
        what = "for a number, which has no classes to weigh"
        raise misfit(("training", "class_weight"), spec.training.class_weight, ["none"], what)


def _check_request(spec: WorkloadSpec) -> None:
    for number, column in enumerate(spec.request):
        why = "it stands there before" if column in spec.request[:number] else ""
        why = why or _unknown_to_requests(spec, column)
        if why:
            others = [name for name in spec.contract.columns if name not in spec.request]
            known = [name for name in others if not _unknown_to_requests(spec, name)]
            what = f"a column that a request can bring: {why}"
            raise misfit(("request", number), column, known, what)
    for name in spec.serving.defaults:
        if name in spec.request:
            what = "a feature of the online store: the request always brings it"
            raise misfit(("serving", "defaults", name), name, [], what)


def _unknown_to_requests(spec: WorkloadSpec, column: str) -> str:
    """Return why no request can bring a column of the contract; '' if one can."""
    if column == spec.target.column:
        return "it is the target"
    if spec.time is not None and column in (spec.time.event, *spec.time.late):
        return "it is a column of `time`"
    return "it is a timestamp" if spec.contract.columns[column].type == "timestamp" else ""
