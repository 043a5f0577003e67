"""Divide rows so that no later run trains on what an earlier one was tested on."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from millrace.dataset.manifest import SplitRule
from millrace.digests import canonical_json
from millrace.workload.split import HashSplit, Split


def split_rule(split: Split, as_of: datetime) -> SplitRule:
    """Return how the rows of one run are divided.

    Args:
        split: what the workload declares.
        as_of: the run's as-of time, at which the test window of a split by time ends.
    """
    if isinstance(split, HashSplit):
        return SplitRule(by="hash", test=split.test, validation=split.validation)
    return SplitRule(
        by="time",
        test=split.test.total_seconds(),
        validation=split.validation.total_seconds(),
        train_until=(as_of - split.test - split.validation).isoformat(),
        roll=split.roll.total_seconds() if split.roll else None,
    )


def assign_parts(
    rule: SplitRule, keys: pd.DataFrame, times: pd.Series | None = None
) -> npt.NDArray[np.str_]:
    """Return the part of each row: `train`, `validation` or `test`.

    By hash, an entity's part depends on its key and the shares alone, so growing data never moves
    it. By time, a window includes its end and not its start.

    Args:
        rule: how rows are divided.
        keys: the join keys of n rows, a column each, none missing.
        times: event times of the n rows, with a time zone; only a split by time looks at them.

    Returns:
        Array of shape [n].
    """
    if rule.by == "hash":
        place = place_of_entities(keys)
        conditions = [place < rule.test, place >= 1 - rule.validation]
    else:
        train_end, validation_end = _window_ends(rule)
        known = _times(times)
        conditions = [
            (known > validation_end).to_numpy(),
            ((known > train_end) & (known <= validation_end)).to_numpy(),
        ]
    return np.select(conditions, ["test", "validation"], "train")


def known_in_time(
    rule: SplitRule, parts: npt.NDArray[np.str_], known: pd.Series
) -> npt.NDArray[np.bool_]:
    """Return which rows have a label that was known when their part ended.

    A model that was trained when the training window ended could not have learnt from the others,
    and their labels lie in the time that it is tested on (López de Prado 2018, chapter 7: purging).

    Args:
        rule: how rows are divided.
        parts: the part of each of n rows; shape [n].
        known: when each one's label became known.

    Returns:
        Array of shape [n]; all True if the rule is not by time.
    """
    if rule.by == "hash":
        return np.ones(len(parts), dtype=np.bool_)
    train_end, validation_end = _window_ends(rule)
    late = (parts == "train") & (known > train_end).to_numpy()
    late |= (parts == "validation") & (known > validation_end).to_numpy()
    return np.asarray(~late, dtype=np.bool_)


def trained_on(
    rule: SplitRule, keys: pd.DataFrame, times: pd.Series | None = None
) -> npt.NDArray[np.bool_]:
    """Return which rows a model of another run may have been trained or validated on.

    Args:
        rule: how that run divided its rows.
        keys: the join keys of n rows, a column each, none missing.
        times: event times of the n rows, if they have any.

    Returns:
        Array of shape [n]; all True if the rule is by time and the rows have none.
    """
    if rule.by == "time" and times is None:
        return np.ones(len(keys), dtype=np.bool_)
    return np.asarray(assign_parts(rule, keys, times) != "test", dtype=np.bool_)


def place_of_entities(keys: pd.DataFrame) -> npt.NDArray[np.float64]:
    """Return a number in [0, 1) for each row, the same for the same join keys for ever.

    It is made of the leading 53 bits of SHA-256 over the values as text, ordered by the names of
    their columns, so a key means the same as a number and as text.
    """
    columns = [keys[name].astype(str).tolist() for name in sorted(keys.columns)]
    known: dict[tuple[str, ...], float] = {}
    places = np.empty(len(keys), dtype=np.float64)
    for row, key in enumerate(zip(*columns, strict=True)):
        if key not in known:
            digest = hashlib.sha256(b"millrace-split:" + canonical_json(key)).digest()
            known[key] = (int.from_bytes(digest[:8], "big") >> 11) / 2**53
        places[row] = known[key]
    return places


def _window_ends(rule: SplitRule) -> tuple[datetime, datetime]:
    train_end = datetime.fromisoformat(str(rule.train_until))
    return train_end, train_end + timedelta(seconds=rule.validation)


def _times(times: pd.Series | None) -> pd.Series:
    if times is None:
        raise ValueError("a split by time needs event times")
    return times.reset_index(drop=True)
