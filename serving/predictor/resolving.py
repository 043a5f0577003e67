"""Features that a request does not bring: from the online store, or from defaults without it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
import numpy.typing as npt

from millrace.errors import ServingError
from serving.predictor.answering import InferRequest, KeyValue, Origin, Resolved
from serving.predictor.faults import ClientFault, bad_input
from serving.predictor.logs import Log, Seldom
from serving.predictor.lookup.base import OnlineStoreDown
from serving.predictor.lookups import Lookups, Needs, OnlineStoreLate
from serving.predictor.model import Column, missing_column
from serving.predictor.signature import Signature

Rows = npt.NDArray[np.intp]
"""Positions of rows."""
_KEPT = 64
_NO_KEY = (None,)


class OnlineResolver:
    """Completes requests from the online store, by the workload's choice also without it."""

    def __init__(
        self,
        signature: Signature,
        lookups: Lookups,
        *,
        fallback: bool,
        defaults: Mapping[str, str | float],
        log: Log,
    ) -> None:
        """Set up.

        Args:
            signature: what the model asks for.
            lookups: reads from the online store.
            fallback: whether defaults stand for features while the store is down.
            defaults: those that are not 'missing'.
            log: where it is said that defaults were used.

        Raises:
            ServingError: a default is for no feature, or of another kind.
        """
        self._signature = signature
        self._lookups = lookups
        self._fallback = fallback
        self._defaults = _checked(defaults, signature)
        self._degraded = Seldom(log, "degraded")
        self._known: dict[tuple[str, ...], Needs] = {}
        positions = {view.view: place for place, view in enumerate(signature.plan.views)}
        self._widths = [len(view.fields) for view in signature.plan.views]
        self._views = {
            name: (positions[view.view], tuple(key.name for key in view.join_keys))
            for name, view in signature.lookups.items()
        }

    async def resolve(self, request: InferRequest) -> Resolved:
        """Return all features of a request's rows.

        Raises:
            ClientFault: a feature is not in the request and the keys that find it are not either,
                or the store is down and there is no falling back.
        """
        found = Resolved(dict(request.features), {})
        for name in self._signature.shared:
            if name in request.features:
                texts = request.features[name][:, 0].tolist()
                request.keys[name] = [text or None for text in texts]
        if request.absent:
            deadline = self._lookups.deadline()
            for rows, lacking in self._lacking(request):
                some = self._needs(request, rows, lacking)
                await self._bring(request, rows, some, found, deadline)
            return found
        given = tuple(request.features)
        needs = self._known.get(given)
        if needs is None or any(None in request.keys.get(key, _NO_KEY) for key in needs.keys):
            lacking = [name for name in self._signature.features if name not in request.features]
            needs = self._needs(request, None, lacking)
            if len(self._known) < _KEPT:
                self._known[given] = needs
        await self._bring(request, None, needs, found)
        return found

    def _lacking(self, request: InferRequest) -> list[tuple[Rows | None, list[str]]]:
        """Return the features that sets of rows lack; None stands for all rows."""
        groups: dict[bytes, tuple[Rows | None, list[str]]] = {}
        for name in self._signature.features:
            mask = request.absent.get(name)
            if mask is not None:
                _, names = groups.setdefault(mask.tobytes(), (np.flatnonzero(mask), []))
            elif name not in request.features:
                _, names = groups.setdefault(b"", (None, []))
            else:
                continue
            names.append(name)
        return list(groups.values())

    def _needs(self, request: InferRequest, rows: Rows | None, lacking: Sequence[str]) -> Needs:
        """Return what brings the features that some rows lack.

        Raises:
            ClientFault: the keys that bring one of them are not in the request.
        """
        views: set[int] = set()
        keys: set[str] = set()
        nobody = [name for name in lacking if name not in self._views]
        if nobody:
            where = "/instances" if request.protocol == "v1" else "/inputs"
            raise bad_input(_missing(nobody), _row(where, rows))
        for name in lacking:
            position, parts = self._views[name]
            if position not in views:
                self._require_keys(name, request, rows)
            views.add(position)
            keys.update(parts)
        kinds = [self._signature.features[name].kind for name in lacking]
        return Needs(
            views=tuple(sorted(views)),
            width=sum(self._widths[view] for view in views),
            keys=tuple(sorted(keys)),
            numbers=tuple(n for n, kind in zip(lacking, kinds, strict=True) if kind == "number"),
            categories=tuple(n for n, kind in zip(lacking, kinds, strict=True) if kind != "number"),
        )

    def _require_keys(self, name: str, request: InferRequest, rows: Rows | None) -> None:
        where = "/instances" if request.protocol == "v1" else "/inputs"
        for key in self._views[name][1]:
            values = request.keys.get(key)
            bare = None if values is None else _first_without(values, rows)
            if values is None or bare is not None:
                raise bad_input(
                    f"the input {name!r} is missing, and so is the key {key!r} that finds it",
                    _row(where, rows) if bare is None else f"{where}/{bare}",
                )

    async def _bring(
        self,
        request: InferRequest,
        rows: Rows | None,
        needs: Needs,
        found: Resolved,
        deadline: float | None = None,
    ) -> None:
        """Put what some rows lack into the columns found so far."""
        origin: Origin = "store"
        count = request.rows if rows is None else len(rows)
        try:
            keys = _keys(request, rows, needs)
            columns = await self._lookups.read(needs, keys, count, deadline)
        except OnlineStoreDown as error:
            if not self._fallback:
                late = isinstance(error, OnlineStoreLate)
                told = error.problem if late else "the online store does not answer"
                raise ClientFault(503, told, retry_after=1) from error
            origin = "default"
            found.degraded = True
            columns = {n: np.repeat(self._defaults[n], count, axis=0) for n in needs.features}
            self._degraded.say(request_id=request.id, reason=str(error))
        if rows is None:
            found.columns.update(columns)
            found.origins.update(dict.fromkeys(columns, origin))
            return
        origins: list[Origin] = ["request"] * request.rows
        for row in rows.tolist():
            origins[row] = origin
        for name, column in columns.items():
            found.columns[name] = found.columns[name].copy()
            found.columns[name][rows] = column
            found.origins[name] = origins


def _keys(
    request: InferRequest, rows: Rows | None, needs: Needs
) -> Mapping[str, Sequence[KeyValue]]:
    """Return the values of the keys of some rows, all of which have one."""
    keys = {name: request.keys[name] for name in needs.keys}
    if rows is not None:
        chosen = rows.tolist()
        keys = {name: [values[row] for row in chosen] for name, values in keys.items()}
    return cast("Mapping[str, Sequence[KeyValue]]", keys)


def _first_without(values: Sequence[KeyValue | None], rows: Rows | None) -> int | None:
    """Return the first of some rows, None for all, that has no value."""
    if rows is None:
        return values.index(None) if None in values else None
    return next((row for row in rows.tolist() if values[row] is None), None)


def _missing(names: Sequence[str]) -> str:
    """Return what is said of features that the online store does not have."""
    told = ", ".join(map(repr, names))
    if len(names) == 1:
        return f"the input {told} is missing: no key finds it, a request brings it"
    return f"the inputs {told} are missing: no key finds them, a request brings them"


def _row(where: str, rows: Rows | None) -> str:
    return where if rows is None else f"{where}/{int(rows[0])}"


def _checked(defaults: Mapping[str, str | float], signature: Signature) -> dict[str, Column]:
    """Return one row of defaults, shape [1, 1] each: the given ones, missing for the others."""
    found = {name: missing_column(feature.kind, 1) for name, feature in signature.features.items()}
    for name, value in defaults.items():
        feature = signature.features.get(name)
        if feature is None:
            raise ServingError(
                "there is a default for no feature",
                where="--defaults",
                found=repr(name),
                expected=f"one of {', '.join(signature.features)}",
            )
        fits = isinstance(value, str) == (feature.kind == "category")
        if not fits or (isinstance(value, float) and not abs(value) < np.finfo(np.float32).max):
            raise ServingError(
                f"the default of {name!r} is no {feature.kind}",
                where="--defaults",
                found=repr(value),
            )
        found[name][0, 0] = value
    return found
