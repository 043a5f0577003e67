"""The specification of a workload: what stands in `workload.yaml`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from millrace.workload.base import Duration, Model, PositiveDuration, misfit, misplaced
from millrace.workload.contract import Contract
from millrace.workload.gates import BaselineGate, ChampionGate, Gate, ParityGate, SliceGate
from millrace.workload.rollout import Rollout
from millrace.workload.serving import Serving
from millrace.workload.source import Source

Name = Annotated[str, StringConstraints(pattern=r"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$")]
Fraction = Annotated[float, Field(gt=0, lt=1, strict=False)]


class Metadata(Model):
    """What the workload is called and whose it is."""

    name: Name
    """Name of the workload: lower case letters, digits and dashes, as Kubernetes wants it."""
    labels: dict[str, str] = {}
    """Labels, such as the team."""


class Time(Model):
    """When an event happened, when its outcome became known, and how far back a run looks."""

    event: str
    """Timestamp column: when the event happened."""
    label_known: str | None = None
    """Timestamp column: when the label became known; by default at the event."""
    outcome: list[str] = []
    """Columns that become known with the label, beside it; no run sees them earlier."""
    window: PositiveDuration | None = None
    """How far back from the as-of time a run learns from events; by default from all there are."""
    history: Duration = timedelta(0)
    """How far back a feature looks from its event; read beside the window."""

    @property
    def late(self) -> list[str]:
        """Return the columns, beside the label, that are not known when the event happens."""
        return [self.label_known, *self.outcome] if self.label_known else []

    @model_validator(mode="after")
    def _parts_need_each_other(self) -> Self:
        if self.outcome and self.label_known is None:
            raise ValueError("outcome needs label_known, which says when it becomes known")
        if self.history and self.window is None:
            raise ValueError("history needs a window: without one all events are read")
        return self


class Target(Model):
    """What is to be predicted."""

    column: str
    """Column of the records that holds the label."""
    kind: Literal["binary"]
    """What the label is: one of two classes."""
    positive: str
    """The value of the positive class, as text; every other value is negative."""


class HashSplit(Model):
    """Split by a hash of the entity key: an entity stays in its part for ever."""

    by: Literal["hash"]
    test: Fraction = 0.2
    """Share of entities that are only ever tested on."""
    validation: Fraction = 0.1
    """Share of entities that early stopping looks at."""

    @model_validator(mode="after")
    def _something_is_left(self) -> Self:
        if self.test + self.validation >= 1:
            raise ValueError("test and validation leave nothing to train on")
        return self


class TimeSplit(Model):
    """Split by event time: the newest events are tested on, those before them validated on."""

    by: Literal["time"]
    test: Duration
    """Length of the test window, which ends at the as-of time."""
    validation: Duration
    """Length of the validation window before it."""


Split = Annotated[HashSplit | TimeSplit, Field(discriminator="by")]


class Training(Model):
    """How the torch module is fitted."""

    module: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_]\w*:[A-Za-z_]\w*$")]
    """The torch module, as FILE:CLASS of the workload's folder, such as `model:ChurnNet`."""
    parameters: dict[str, Any] = {}
    """Keyword arguments for the module's constructor."""
    epochs: int = Field(40, ge=1)
    """Greatest number of epochs."""
    patience: int = Field(8, ge=1)
    """Epochs without a better validation loss after which training stops."""
    batch_size: int = Field(256, ge=1)
    """Rows a step."""
    learning_rate: float = Field(1e-3, gt=0, strict=False)
    """Learning rate of AdamW."""
    weight_decay: float = Field(1e-2, ge=0, strict=False)
    """Weight decay of AdamW."""
    class_weight: Literal["none", "balanced"] = "none"
    """Whether classes weigh the same; predictions are corrected back to the true rate."""
    seed: int = Field(7, ge=0)
    """Seed of everything random."""
    threads: int = Field(1, ge=1)
    """Threads of torch; part of what makes a run repeatable. Small models are quickest on one."""


class WorkloadSpec(Model):
    """What a team wants to be trained, and what must be true of the result."""

    source: Source
    """Where records come from."""
    contract: Contract
    """What an incoming batch must look like."""
    entities: Annotated[list[str], Field(min_length=1)]
    """Feast entities of the workload's definitions.py, which the prediction is about."""
    features: Annotated[list[str], Field(min_length=1)]
    """Feast feature views of definitions.py; features.py has a function for each."""
    request: list[str] = []
    """Columns of the contract that are inputs too, which the request brings when it asks."""
    time: Time | None = None
    """Time columns; without them the workload has no clock."""
    target: Target
    """What is to be predicted."""
    split: Split
    """How records are divided into train, validation and test."""
    training: Training
    """How the torch module is fitted."""
    gates: list[Gate] = []
    """Checks that a candidate must pass, beside champion, baseline and parity."""
    slices: list[str] = []
    """Columns by whose values the metrics are told apart."""
    serving: Serving = Serving()
    """How the model answers."""
    rollout: Rollout = Rollout()
    """How a candidate becomes the champion."""

    @model_validator(mode="after")
    def _parts_fit_together(self) -> Self:
        for place, column in self._named_columns():
            if column not in self.contract.columns:
                raise misfit(place, column, self.contract.columns, "a column of the contract")
        timed = self.split.by == "time" or self.contract.freshness or self.contract.completeness.gap
        if timed and self.time is None:
            raise ValueError("a split by time, and limits of freshness and of gaps, need `time`")
        self._check_what_is_late()
        for number, gate in enumerate(self.gates):
            if isinstance(gate, SliceGate) and gate.slice not in self.slices:
                raise misfit(
                    ("gates", number, "slice"), gate.slice, self.slices, "one of the slices"
                )
        allowed = self.contract.columns[self.target.column].allowed
        positive = self.target.positive
        if allowed is not None and positive not in allowed:
            what = f"a value of the column {self.target.column!r}"
            raise misfit(("target", "positive"), positive, allowed, what)
        return self

    def _check_what_is_late(self) -> None:
        """Hold the columns that become known with the label to say so, and the window to suffice.

        Raises:
            PydanticCustomError: one may not be missing, or the split leaves nothing of the window.
        """
        time, split = self.time, self.split
        late = [self.target.column, *time.late] if time and time.label_known else []
        for name in late:
            if not self.contract.columns[name].nullable:
                raise misplaced(
                    ("contract", "columns", name),
                    "is missing until it becomes known: set nullable",
                )
        if (
            time
            and time.window
            and isinstance(split, TimeSplit)
            and time.window <= split.test + split.validation
        ):
            raise misplaced(("time", "window"), "is no longer than test and validation together")

    @model_validator(mode="after")
    def _requests_can_bring_what_they_shall(self) -> Self:
        for number, column in enumerate(self.request):
            why = "it stands there before" if column in self.request[:number] else ""
            why = why or self._unknown_to_requests(column)
            if why:
                others = [name for name in self.contract.columns if name not in self.request]
                known = [name for name in others if not self._unknown_to_requests(name)]
                what = f"a column that a request can bring: {why}"
                raise misfit(("request", number), column, known, what)
        for name in self.serving.defaults:
            if name in self.request:
                what = "a feature of the online store: the request always brings it"
                raise misfit(("serving", "defaults", name), name, [], what)
        return self

    def _unknown_to_requests(self, column: str) -> str:
        """Return why no request can bring a column of the contract; '' if one can."""
        if column == self.target.column:
            return "it is the target"
        if self.time is not None and column in (self.time.event, *self.time.late):
            return "it is a column of `time`"
        return "it is a timestamp" if self.contract.columns[column].type == "timestamp" else ""

    def _named_columns(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Yield each column that is named outside the contract, with the place where it is."""
        if self.time is not None:
            yield ("time", "event"), self.time.event
            if self.time.label_known is not None:
                yield ("time", "label_known"), self.time.label_known
            for number, column in enumerate(self.time.outcome):
                yield ("time", "outcome", number), column
        yield ("target", "column"), self.target.column
        for number, column in enumerate(self.slices):
            yield ("slices", number), column
        for number, column in enumerate(self.request):
            yield ("request", number), column

    def all_gates(self) -> list[Gate]:
        """Return the declared gates, and those that every candidate must pass."""
        kinds = {type(gate) for gate in self.gates}
        always = (ChampionGate(champion="roc_auc"), BaselineGate(baseline="roc_auc"), ParityGate())
        return [*self.gates, *(gate for gate in always if type(gate) not in kinds)]


class WorkloadManifest(Model):
    """A `workload.yaml`, in the shape of a Kubernetes object."""

    apiVersion: Literal["millrace.dev/v1alpha1"]  # noqa: N815
    """Version of this schema."""
    kind: Literal["Workload"]
    """Always Workload."""
    metadata: Metadata
    """What the workload is called and whose it is."""
    spec: WorkloadSpec
    """What is wanted."""
