"""The specification of a workload: what stands in `workload.yaml`."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from millrace.workload.base import Model
from millrace.workload.contract import Contract
from millrace.workload.fitting import check_fit
from millrace.workload.gates import BaselineGate, ChampionGate, Gate, ParityGate
from millrace.workload.rollout import Rollout
from millrace.workload.serving import Serving
from millrace.workload.source import Source
from millrace.workload.split import Split
from millrace.workload.target import Target
from millrace.workload.time import Time

Name = Annotated[str, StringConstraints(pattern=r"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$")]


class Metadata(Model):
    """What the workload is called and whose it is."""

    name: Name
    """Name of the workload: lower case letters, digits and dashes, as Kubernetes wants it."""
    labels: dict[str, str] = {}
    """Labels, such as the team."""


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
    """Whether classes weigh the same; predictions are corrected back to the true rate.

    Only a binary target has classes.
    """
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
        check_fit(self)
        return self

    @property
    def late_columns(self) -> set[str]:
        """Return the columns, the label's among them, that are missing until it becomes known."""
        late = self.time.late if self.time else []
        return {self.target.column, *late} if late else set()

    def all_gates(self) -> list[Gate]:
        """Return the declared gates, and those that every candidate must pass."""
        kinds = {type(gate) for gate in self.gates}
        always: list[Gate]
        if self.target.kind == "binary":
            always = [ChampionGate(champion="roc_auc"), BaselineGate(baseline="roc_auc")]
            always.append(ParityGate(parity=1e-5))
        else:
            always = [ChampionGate(champion="rmse"), BaselineGate(baseline="rmse")]
            always.append(ParityGate(parity=1e-4))
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
