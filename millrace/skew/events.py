"""Events of answered requests, as predictors send them and a receiver keeps them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, ValidationError, model_validator

from millrace.errors import MillraceError

EVENT_TYPE = "org.kubeflow.serving.inference.request"
"""The CloudEvents' type, that of KServe's logger."""

Origin = Literal["request", "store", "default"]
Value = str | float | None


class Parameters(BaseModel):
    """What the answer said of itself."""

    bundle_digest: str = ""
    """Of the bundle that answered; '' if another server did."""


class Data(BaseModel):
    """What an event tells of an answered request; see `serving.predictor.event_data`."""

    model_name: str
    parameters: Parameters = Parameters()
    id: str
    origins: Origin | dict[str, Origin | list[Origin]] | None = None
    """None if the sender does not know: it is KServe's logger, whose rows are as clients sent them
    and not kept here."""
    keys: dict[str, list[str | int | None]] = {}
    instances: list[dict[str, Value]]

    @model_validator(mode="before")
    @classmethod
    def _rows_alone(cls, told: Any) -> Any:
        if not isinstance(told, dict) or "origins" in told:
            return told
        rows = told.get("instances")
        return {**told, "instances": [{} for _ in rows] if isinstance(rows, list) else rows}

    @model_validator(mode="after")
    def _one_a_row(self) -> Self:
        told = list(self.origins.values()) if isinstance(self.origins, dict) else []
        lengths = {len(values) for values in self.keys.values()}
        lengths |= {len(one) for one in told if isinstance(one, list)}
        if lengths - {len(self.instances)}:
            raise ValueError("keys and origins are one a row")
        return self

    def origin(self, feature: str, row: int) -> Origin:
        """Return where a feature's value in a row came from."""
        if not isinstance(self.origins, dict):
            return self.origins or "request"
        told = self.origins.get(feature, "request")
        return told if isinstance(told, str) else told[row]


class Event(BaseModel):
    """One CloudEvent."""

    time: AwareDatetime
    """When the request was answered."""
    data: Data


def read_events(files: Sequence[Path], workload: str) -> Iterator[Event]:
    """Yield the events of a workload, in the order in which they are kept.

    Args:
        files: JSON lines: each an event in CloudEvents' JSON format, or a batch of them.
        workload: others' events are left out.

    Raises:
        MillraceError: a file cannot be read, or a line is no event. A last line without an end is
            no fault: it is being written.
    """
    for file in files:
        try:
            with file.open("rb") as lines:
                for number, line in enumerate(lines, 1):
                    yield from _events_in(line, workload, f"{file}:{number}")
        except OSError as error:
            raise MillraceError(
                f"the events cannot be read: {error.strerror or error}",
                where=str(file),
                remedy="name a file of events, or a folder of them, with --events",
            ) from error


def _events_in(line: bytes, workload: str, where: str) -> Iterator[Event]:
    try:
        told = json.loads(line)
        for one in told if isinstance(told, list) else [told]:
            if _is_ours(one, workload):
                yield Event.model_validate(one)
    except (ValueError, RecursionError) as error:
        if not line.endswith(b"\n"):
            return
        fault = error.errors()[0] if isinstance(error, ValidationError) else None
        place = ".".join(map(str, fault["loc"])) if fault else ""
        raise MillraceError(
            f"is no event of a prediction: {fault['msg'] if fault else error}",
            where=f"{where} at {place}" if place else where,
            remedy="give events as predictors send them, or delete the line",
        ) from error


def _is_ours(told: Any, workload: str) -> bool:
    """Return whether it is one of a workload's events, or none at all, which is told then."""
    if isinstance(told, dict) and "unreadable" in told:
        return False
    if not isinstance(told, dict) or not isinstance(told.get("data"), dict):
        return True
    return told.get("type") == EVENT_TYPE and told["data"].get("model_name") == workload
