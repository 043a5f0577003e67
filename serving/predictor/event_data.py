"""What an event tells of an answered request: its rows as the model saw them, and what it said.

An event is made while its request is answered, so it only takes hold of values: of one row they are
kept and the arrays let go, of more rows the arrays are kept as they are. Encoding comes later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from serving.predictor.answering import InferAnswer, KeyValue, Origin
from serving.predictor.model import Columns, Model
from serving.predictor.outputs import Values

VALUES_AT_ONCE = 2048
"""Values that are encoded before others have their turn: a fraction of a millisecond."""
_FIXED, VALUE_SIZE = 512, 48
"""About how many bytes an event takes, and a value beside its text and its name."""
_encode = msgspec.json.Encoder().encode
_lines = msgspec.json.Encoder().encode_lines
_item = np.ndarray.item
_REQUEST = msgspec.Raw(b'"request"')
_LET_GO: Columns = {}


class Event(msgspec.Struct, gc=False):
    """One answered request, not encoded yet.

    Attributes:
        id: the request's id.
        seconds: when it was answered, as seconds since 1970.
        degraded: whether defaults stood for features.
        size: about how many bytes it takes.
        origins: where its features came from, as the answer tells it.
        keys: entity keys that features were read by, one a row.
        row: the features of its only row; None if there are more rows.
        columns: the features of all rows; none if there is one.
        predictions: of all rows, shape [n, 1]; of the only row a number, or all outputs by name.
        others: the other outputs of all rows; none if there is one.
    """

    id: str
    seconds: float
    degraded: bool
    size: int
    origins: Mapping[str, Origin | list[Origin]]
    keys: Mapping[str, Sequence[KeyValue | None]]
    row: Any
    columns: Columns
    predictions: Values | float | dict[str, Any]
    others: Sequence[Values] = ()


class _Told(msgspec.Struct, gc=False):
    """The data of an event of one row, in the order in which they are encoded."""

    model_name: str
    model_version: str
    parameters: msgspec.Raw
    id: str
    origins: msgspec.Raw
    keys: Mapping[str, Sequence[KeyValue | None]] | msgspec.UnsetType
    instances: tuple[Any]
    predictions: tuple[Any]


class EventData:
    """Turns answers into events of one model, and events into JSON."""

    def __init__(self, model: Model) -> None:
        """Prepare what is the same in all events of a model."""
        self._names = [feature.name for feature in model.signature.inputs]
        self._row = _row_type(self._names)
        self._rows_at_once = max(1, VALUES_AT_ONCE // len(self._names))
        self._a_row = sum(VALUE_SIZE + len(name) for name in self._names)
        self._model = (model.name, model.version)
        digest = {"bundle_digest": model.digest}
        self._parameters = {
            flag: msgspec.Raw(_encode({**digest, **more}))
            for flag, more in ((False, {}), (True, {"degraded": True}))
        }

    def event(self, answer: InferAnswer, seconds: float) -> Event:
        """Return the event of an answer that was given at a time."""
        columns, predictions = answer.columns, answer.predictions
        rows = len(predictions)
        size = _FIXED + answer.size + rows * self._a_row
        row: Any = None
        told: Values | float = predictions
        if rows == 1:
            row = self._row(*map(_item, map(columns.__getitem__, self._names)))
            told, columns = predictions.item(), _LET_GO
        return Event(
            answer.id,
            seconds,
            answer.degraded,
            size,
            answer.origins,
            answer.keys,
            row,
            columns,
            told,
        )

    def whole(self, events: Sequence[Event]) -> list[bytes]:
        """Return the data of events of one row each, JSON: null for missing."""
        name, version = self._model
        parameters, origins = self._parameters, self._origins_of
        told = [
            _Told(
                name,
                version,
                parameters[event.degraded],
                event.id,
                origins(event) if event.origins else _REQUEST,
                event.keys or msgspec.UNSET,
                (event.row,),
                (event.predictions,),
            )
            for event in events
        ]
        return _null_for_empty(_lines(told)).split(b"\n")[:-1]

    def pieces(self, event: Event) -> Iterator[bytes]:
        """Yield the data of an event of several rows; each piece takes little time to make."""
        columns, told = event.columns, event.predictions
        assert isinstance(told, np.ndarray)
        name, version = map(_encode, self._model)
        yield b'{"model_name":%b,"model_version":%b,"parameters":%b,"id":%b,"origins":' % (
            name,
            version,
            bytes(self._parameters[event.degraded]),
            _encode(event.id),
        )
        yield from self._origins(event.origins)
        for place, (key, found) in enumerate(event.keys.items()):
            yield b"%b%b:%b" % (b"," if place else b',"keys":{', _encode(key), _encode(found))
        if event.keys:
            yield b"}"
        for start in range(0, len(told), self._rows_at_once):
            end = start + self._rows_at_once
            values = [columns[name][start:end, 0].tolist() for name in self._names]
            rows = _null_for_empty(_encode(list(map(self._row, *values))))
            yield (b"," if start else b',"instances":[') + rows[1:-1]
        yield b'],"predictions":'
        yield from self.predictions(event)
        yield b"}"

    def predictions(self, event: Event) -> Iterator[bytes]:
        """Yield the predictions of an event of several rows, as a list."""
        assert isinstance(event.predictions, np.ndarray)
        yield _encode(event.predictions[:, 0].tolist())

    def _origins_of(self, event: Event) -> msgspec.Raw:
        return msgspec.Raw(b"".join(self._origins(event.origins)))

    def _origins(self, origins: Mapping[str, Origin | list[Origin]]) -> Iterator[bytes]:
        """Yield the origin of all values, or by feature where they differ."""
        found = list(origins.values())
        first = found[0] if found else "request"
        everywhere = isinstance(first, str) and found.count(first) == len(found)
        if everywhere and len(found) in (0, len(self._names)):
            yield _encode(first)
            return
        for place, (name, origin) in enumerate(origins.items()):
            yield b"%b%b:%b" % (b"," if place else b"{", _encode(name), _encode(origin))
        yield b"}"


def _row_type(names: Sequence[str]) -> Callable[..., Any]:
    """Return what makes a row of its values: a struct, which is encoded quicker than a dict."""
    fields = {f"f{place}": name for place, name in enumerate(names)}
    try:
        return msgspec.defstruct("Row", [(field, Any) for field in fields], rename=fields, gc=False)
    except ValueError:  # a struct's names have no quotes in them
        return lambda *values: dict(zip(names, values, strict=True))


def _null_for_empty(rows: bytes) -> bytes:
    """Return rows in JSON with null for missing texts; a missing number is that by itself.

    Nowhere else do two quotes follow a colon: nothing else is empty, and within a text they are
    escaped.
    """
    return rows.replace(b':""', b":null")
