"""Release folders that are read and written once, so that thousands of looks are quick."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import rollout_releases

import millrace.release.changes as release_changes
import millrace.release.settling as settling_module
import millrace.release.waiting as waiting_module
import serving.rollout.history as history_module
import serving.rollout.look as look_module
import serving.rollout.plans as plans_module
from millrace.deploy.base import Changes
from millrace.errors import ReleaseError
from millrace.release.arms import canary_arm
from millrace.release.changes import Files, propose_candidate
from millrace.release.documents import ArmRef
from millrace.release.reading import read_release
from millrace.release.writing import first_release


def remembered(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of a release folder that computes each answer once."""
    known: dict[Any, Any] = {}

    def call(files: Files, *args: Any, **kwargs: Any) -> Any:
        key = (frozenset(files.items()), repr(args), repr(kwargs))
        if key not in known:
            try:
                known[key] = (function(files, *args, **kwargs), None)
            except ReleaseError as error:
                known[key] = (None, error)
        told, error = known[key]
        if error is not None:
            raise error
        return told

    return call


def remember(patch: Callable[[Any, str, Any], None]) -> None:
    """Read and write each release folder once."""
    here = rollout_releases
    for module in (history_module, look_module, settling_module, waiting_module, here):
        patch(module, "read_release", remembered(read_release))
    for module in (settling_module, here):
        patch(module, "propose_candidate", remembered(propose_candidate))
    first = first_release

    def once(workload: str, ref: ArmRef, *args: Any, **kwargs: Any) -> Changes:
        known = remembered(lambda files, *more, **named: first(workload, ref, *more, **named))
        return firsts.setdefault(repr((workload, ref, args)), known)({}, *args, **kwargs)

    firsts: dict[str, Callable[..., Any]] = {}
    patch(here, "first_release", once)
    patch(here, "canary_arm", remembered(canary_arm))
    patch(waiting_module, "without_canary", remembered(release_changes.without_canary))
    for verb in ("advance", "promote", "roll_back", "finish_promotion", "finish_roll_back"):
        patch(release_changes, verb, remembered(getattr(release_changes, verb)))
    quick = {
        verb: getattr(release_changes, verb.replace(" ", "_")) for verb in plans_module._CHANGES
    }
    patch(plans_module, "_CHANGES", quick)
