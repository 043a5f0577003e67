"""Read a `workload.yaml`; every fault is told with its line and the nearest valid spelling."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from millrace.errors import WorkloadError
from millrace.workload.base import MISFIT
from millrace.workload.gates import GATE_KEYS
from millrace.workload.spec import WorkloadManifest, WorkloadSpec

Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Workload:
    """A declared workload and the folder it stands in."""

    name: str
    folder: Path
    labels: dict[str, str]
    spec: WorkloadSpec

    @property
    def file(self) -> Path:
        """Return the path of its `workload.yaml`."""
        return self.folder / "workload.yaml"


def load_workload(folder: Path | str) -> Workload:
    """Return the workload declared in a folder.

    Raises:
        WorkloadError: the file is missing, is not YAML, or breaks the schema.
    """
    folder = Path(folder)
    file = folder / "workload.yaml" if folder.suffix not in (".yaml", ".yml") else folder
    text = _read(file)
    document, lines = _parse(text, file)
    try:
        manifest = WorkloadManifest.model_validate(document)
    except ValidationError as error:
        raise _located(_most_telling(error.errors()), file, lines, document) from error
    return Workload(
        manifest.metadata.name, file.parent, dict(manifest.metadata.labels), manifest.spec
    )


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        folders = sorted(
            path.parent.as_posix() for path in Path("workloads").glob("*/workload.yaml")
        )
        raise WorkloadError(
            "there is no such file",
            where=str(file),
            expected=f"one of {', '.join(folders)}" if folders else "",
            remedy="name a workload's folder, or make one with `millrace init NAME`",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise WorkloadError(f"cannot be read: {error}", where=str(file)) from error


def _parse(text: str, file: Path) -> tuple[Any, dict[Place, int]]:
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is None:
            raise WorkloadError("the file is empty", where=str(file), expected="a Workload")
        lines: dict[Place, int] = {}
        _note_lines(node, (), lines, file)
        return yaml.safe_load(text), lines
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise WorkloadError(
            f"is not YAML: {error.problem or error.context}", where=f"{file}{line}"
        ) from error


def _note_lines(node: yaml.Node, place: Place, lines: dict[Place, int], file: Path) -> None:
    lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*place, key.value)
            if here in lines:
                raise WorkloadError(
                    f"the key {_dotted(here)!r} stands here a second time",
                    where=f"{file}:{key.start_mark.line + 1}",
                    remedy=f"keep one of it and the one in line {lines[here]}",
                )
            lines[here] = key.start_mark.line + 1
            _note_lines(value, here, lines, file)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _note_lines(value, (*place, index), lines, file)


def _most_telling(faults: list[ErrorDetails]) -> ErrorDetails:
    """Return the unknown key before the missing one: the one is often the other misspelled."""
    return next((fault for fault in faults if fault["type"] == "extra_forbidden"), faults[0])


def _located(
    fault: ErrorDetails, file: Path, lines: dict[Place, int], document: Any
) -> WorkloadError:
    place = (*_in_document(fault["loc"], document), *fault.get("ctx", {}).get("place", ()))
    line = next((lines[place[:n]] for n in range(len(place), -1, -1) if place[:n] in lines), 1)
    where = f"{file}:{line}"
    key = str(place[-1]) if place else ""
    if fault["type"] == "extra_forbidden":
        known = _keys_at(place[:-1], document)
        return WorkloadError(
            f"unknown key {_dotted(place)!r}",
            where=where,
            expected=f"one of {', '.join(known)}",
            remedy=_did_you_mean(key, known) or "remove the key",
        )
    if fault["type"] == "gate":
        return WorkloadError(
            f"{_dotted(place)} is no gate",
            where=where,
            found=", ".join(map(str, fault["input"])) if isinstance(fault["input"], dict) else "",
            expected=f"one of the keys {', '.join(sorted(GATE_KEYS))}",
            remedy="see `gates` in `millrace schema`",
        )
    if fault["type"] == "missing":
        return WorkloadError(
            f"the key {_dotted(place)!r} is missing", where=where, remedy=f"add {key!r}"
        )
    if fault["type"] == MISFIT:
        value, known = fault["ctx"]["value"], fault["ctx"]["known"]
        return WorkloadError(
            f"{_dotted(place)}: {value!r} is not {fault['ctx']['what']}",
            where=where,
            expected=f"one of {', '.join(known)}" if known else "",
            remedy=_did_you_mean(value, known) or "mend the value, or add it there",
        )
    found = repr(fault["input"]) if isinstance(fault["input"], str | int | float | bool) else ""
    message = fault["msg"].removeprefix("Value error, ")
    prefix = f"{_dotted(place)}: " if place else ""
    return WorkloadError(
        prefix + message[0].lower() + message[1:],
        where=where,
        found=found,
        remedy=_did_you_mean(fault.get("ctx", {}).get("tag", fault["input"]), _literals(fault))
        or "mend the value (see `millrace schema`)",
    )


def _literals(fault: ErrorDetails) -> list[str]:
    """Return the values that a place may have, where they are few and fixed."""
    told = fault.get("ctx", {})
    return re.findall(r"'([^']*)'", told.get("expected") or told.get("expected_tags") or "")


def _did_you_mean(value: Any, known: Iterable[str]) -> str:
    """Return `did you mean 'x'?` for the known word most like this one; '' if none is like it."""
    known = list(known)
    folded = {word.casefold(): word for word in reversed(known)}
    near = difflib.get_close_matches(str(value).casefold(), folded, n=1, cutoff=0.5)
    return f"did you mean {folded[near[0]]!r}?" if near else ""


def _in_document(location: Iterable[str | int], document: Any) -> Place:
    """Leave out the tags of unions, which pydantic counts as steps and the file does not have."""
    place: list[str | int] = []
    here = document
    steps = list(location)
    for number, step in enumerate(steps):
        last = number == len(steps) - 1
        if isinstance(here, dict) and (step in here or last):
            place.append(step)
            here = here.get(step)
        elif isinstance(here, list) and isinstance(step, int) and step < len(here):
            place.append(step)
            here = here[step]
    return tuple(place)


def _keys_at(place: Place, document: Any) -> list[str]:
    """Return the keys that the schema allows at a place of the document."""
    kinds: list[type[BaseModel]] = [WorkloadManifest]
    here = document
    for step in place:
        here = here[step]
        kinds = [m for kind in kinds for m in _models_under(kind, step)] if kinds else []
    fitting = [kind for kind in kinds if _fits(kind, here)] or kinds
    return list(
        dict.fromkeys(f.alias or n for kind in fitting for n, f in kind.model_fields.items())
    )


def _models_under(kind: type[BaseModel], step: str | int) -> list[type[BaseModel]]:
    if isinstance(step, int):
        return [kind]
    by_name = {field.alias or name: field for name, field in kind.model_fields.items()}
    if step not in by_name:
        return [kind]
    return _models_in(by_name[step].annotation)


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    parts = getattr(annotation, "__args__", ()) or ()
    return [model for part in parts for model in _models_in(part)]


def _fits(kind: type[BaseModel], values: Any) -> bool:
    """Return whether the values carry what tells this member of a union from the others."""
    if not isinstance(values, dict):
        return False
    fixed = {n: f.annotation for n, f in kind.model_fields.items() if n in ("kind", "by")}
    if fixed:
        return all(values.get(n) in getattr(a, "__args__", ()) for n, a in fixed.items())
    return next(iter(kind.model_fields)) in values


def _dotted(place: Place) -> str:
    text = ""
    for step in place:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
