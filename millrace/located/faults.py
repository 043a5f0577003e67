"""What pydantic finds wrong with a document, as one located line with the nearest valid word."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from millrace.errors import MillraceError
from millrace.located.text import YamlDocument
from millrace.located.words import KEYED, MISFIT, Place, did_you_mean, dotted

_MAPPINGS = ("model_type", "model_attributes_type", "dict_type")
"""Types of pydantic's errors for what is no mapping."""


@dataclass(frozen=True)
class _Found:
    """A fault, its place in a document, and what the document should have been."""

    told: ErrorDetails
    place: Place
    content: Any
    root: type[BaseModel]
    reference: str


def fault_of(
    error: ValidationError,
    document: YamlDocument,
    root: type[BaseModel],
    fault: type[MillraceError],
    *,
    reference: str,
) -> MillraceError:
    """Return the most telling fault of a document that a model refuses.

    Args:
        error: what pydantic says.
        document: what it says it of.
        root: the model of the whole document.
        fault: the error to return.
        reference: where people read what may stand there, such as `millrace schema`.
    """
    told = _most_telling(error.errors())
    place = (*_in_document(told["loc"], document.content), *told.get("ctx", {}).get("place", ()))
    wordings: dict[str, Callable[[_Found], dict[str, str]]] = {
        "extra_forbidden": _unknown,
        "missing": _missing,
        KEYED: _keyed,
        MISFIT: _misfit,
    }
    found = _Found(told, place, document.content, root, reference)
    words = wordings.get(told["type"], _unusable)(found)
    return fault(words.pop("problem"), where=document.where(place), **words)


def _most_telling(faults: list[ErrorDetails]) -> ErrorDetails:
    """Return the unknown key before the missing one: the one is often the other misspelled."""
    return next((fault for fault in faults if fault["type"] == "extra_forbidden"), faults[0])


def _unknown(found: _Found) -> dict[str, str]:
    known = _keys_at(found.place[:-1], found.content, found.root)
    if found.place[-1] in known:  # of another kind than the other keys make it
        return {
            "problem": f"the keys of {dotted(found.place[:-1])} exclude each other",
            "expected": f"one of {', '.join(known)}",
            "remedy": "keep one of them",
        }
    return {
        "problem": f"unknown key {dotted(found.place)!r}",
        "expected": f"one of {', '.join(known)}",
        "remedy": did_you_mean(found.place[-1], known) or "remove the key",
    }


def _missing(found: _Found) -> dict[str, str]:
    return {
        "problem": f"the key {dotted(found.place)!r} is missing",
        "remedy": f"add {found.place[-1]!r}",
    }


def _keyed(found: _Found) -> dict[str, str]:
    value, context = found.told["input"], found.told["ctx"]
    given = [str(key) for key in value] if isinstance(value, dict) else []
    keys = context["keys"].split(", ")
    near = next((near for key in given if (near := did_you_mean(key, keys))), "")
    return {
        "problem": f"{dotted(found.place)} is no {context['what']}",
        "found": ", ".join(given),
        "expected": f"one of the keys {context['keys']}",
        "remedy": near or f"see `{context['what']}s` in {found.reference}",
    }


def _misfit(found: _Found) -> dict[str, str]:
    context = found.told["ctx"]
    value, known = context["value"], context["known"]
    return {
        "problem": f"{dotted(found.place)}: {value!r} is not {context['what']}",
        "expected": f"one of {', '.join(known)}" if known else "",
        "remedy": did_you_mean(value, known) or "mend the value, or add it there",
    }


def _unusable(found: _Found) -> dict[str, str]:
    given, context = found.told["input"], found.told.get("ctx", {})
    message = found.told["msg"].removeprefix("Value error, ")
    if found.told["type"] in _MAPPINGS:
        message = "input should be a mapping of keys to values"
    prefix = f"{dotted(found.place)}: " if found.place else ""
    nearest = did_you_mean(context.get("tag", given), _literals(found.told))
    return {
        "problem": prefix + message[0].lower() + message[1:],
        "found": _shown(given),
        "remedy": nearest or f"mend the value (see {found.reference})",
    }


def _shown(given: Any) -> str:
    """Return what was found, unless it is too much for a line."""
    if given is None:
        return "nothing"
    return repr(given) if isinstance(given, str | int | float | bool) else ""


def _literals(fault: ErrorDetails) -> list[str]:
    """Return the values that a place may have, where they are few and fixed."""
    told = fault.get("ctx", {})
    return re.findall(r"'([^']*)'", told.get("expected") or told.get("expected_tags") or "")


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


def _keys_at(place: Place, document: Any, root: type[BaseModel]) -> list[str]:
    """Return the keys that the schema allows at a place of the document."""
    kinds: list[type[BaseModel]] = [root]
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
