"""Features that a request does not bring: from the online store, or from defaults without it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from millrace.errors import ServingError
from serving.predictor.answering import InferRequest, KeyValue, Origin, Resolved
from serving.predictor.faults import ClientFault, bad_input
from serving.predictor.logs import Log, Seldom
from serving.predictor.lookup.base import OnlineStore, OnlineStoreDown
from serving.predictor.model import Column, missing_column
from serving.predictor.signature import Signature

Rows = npt.NDArray[np.intp]
"""Positions of rows."""


@dataclass
class Needs:
    """Features of one view that some rows lack."""

    position: int
    """Of the view in the lookup plan."""
    keys: tuple[str, ...]
    features: list[str] = field(default_factory=list)


class OnlineResolver:
    """Completes requests from the online store, by the workload's choice also without it."""

    def __init__(
        self,
        signature: Signature,
        store: OnlineStore,
        *,
        fallback: bool,
        defaults: Mapping[str, str | float],
        log: Log,
    ) -> None:
        """Set up.

        Args:
            signature: what the model asks for.
            store: the online store.
            fallback: whether defaults stand for features while the store is down.
            defaults: those that are not 'missing'.
            log: where it is said that defaults were used.

        Raises:
            ServingError: a default is for no feature, or of another kind.
        """
        self._signature = signature
        self._store = store
        self._fallback = fallback
        self._defaults = _checked(defaults, signature)
        self._degraded = Seldom(log, "degraded")
        positions = {view.view: place for place, view in enumerate(signature.plan.views)}
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
        for rows, needs in self._needs(request):
            await self._bring(request, rows, needs, found)
        return found

    def _needs(self, request: InferRequest) -> list[tuple[Rows | None, dict[int, Needs]]]:
        """Return what to read: for sets of rows, None for all of them, what each view brings."""
        groups: dict[bytes, tuple[Rows | None, dict[int, Needs]]] = {}
        for feature in self._signature.inputs:
            name = feature.name
            mask = request.absent.get(name)
            if name in request.features and mask is None:
                continue
            rows = None if mask is None else np.flatnonzero(mask)
            position, keys = self._require_keys(name, request, rows)
            _, views = groups.setdefault(b"" if mask is None else mask.tobytes(), (rows, {}))
            views.setdefault(position, Needs(position, keys)).features.append(name)
        return list(groups.values())

    def _require_keys(
        self, name: str, request: InferRequest, rows: Rows | None
    ) -> tuple[int, tuple[str, ...]]:
        where = "/instances" if request.protocol == "v1" else "/inputs"
        if name not in self._views:
            raise bad_input(f"the input {name!r} is missing", _row(where, rows))
        position, keys = self._views[name]
        for key in keys:
            values = request.keys.get(key)
            bare = None if values is None else _first_without(values, rows)
            if values is None or bare is not None:
                raise bad_input(
                    f"the input {name!r} is missing, and so is the key {key!r} that finds it",
                    _row(where, rows) if bare is None else f"{where}/{bare}",
                )
        return position, keys

    async def _bring(
        self, request: InferRequest, rows: Rows | None, needs: dict[int, Needs], found: Resolved
    ) -> None:
        """Put what some rows lack into the columns found so far."""
        names = [name for need in needs.values() for name in need.features]
        count = request.rows if rows is None else len(rows)
        origin: Origin = "store"
        try:
            columns = await self._read(request, rows, needs)
        except OnlineStoreDown as error:
            if not self._fallback:
                raise ClientFault(503, "the online store does not answer", retry_after=1) from error
            origin = "default"
            found.degraded = True
            columns = {name: np.repeat(self._defaults[name], count, axis=0) for name in names}
            self._degraded.say(request_id=request.id, reason=str(error))
        for name in names:
            if rows is None:
                found.columns[name] = columns[name]
                found.origins[name] = origin
            else:
                _merge(found, name, rows, columns[name], origin)

    async def _read(
        self, request: InferRequest, rows: Rows | None, needs: dict[int, Needs]
    ) -> dict[str, Column]:
        keys: dict[str, Sequence[str | int]] = {}
        for name in {key for need in needs.values() for key in need.keys}:
            values = request.keys[name]
            keys[name] = _present(values if rows is None else [values[i] for i in rows.tolist()])
        read = await self._store.read(keys, sorted(needs))
        return {
            name: _column(self._signature.features[name].kind, read[name])
            for need in needs.values()
            for name in need.features
        }


def _merge(found: Resolved, name: str, rows: Rows, column: Column, origin: Origin) -> None:
    whole = found.columns[name].copy()
    whole[rows] = column
    found.columns[name] = whole
    origins: list[Origin] = ["request"] * len(whole)
    for row in rows.tolist():
        origins[row] = origin
    found.origins[name] = origins


def _first_without(values: Sequence[KeyValue | None], rows: Rows | None) -> int | None:
    """Return the first of some rows, None for all, that has no value."""
    if rows is None:
        return values.index(None) if None in values else None
    return next((row for row in rows.tolist() if values[row] is None), None)


def _present(values: Sequence[KeyValue | None]) -> list[KeyValue]:
    return [value for value in values if value is not None]


def _column(kind: str, values: Sequence[str | float | int | bool | None]) -> Column:
    """Return what the store holds as a column of the model, None for missing."""
    if kind == "number":
        return np.array(values, np.float64).astype(np.float32).reshape(-1, 1)
    return np.array([value or "" for value in values], object).reshape(-1, 1)


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
