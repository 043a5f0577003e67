"""Assemble with a clock: nothing that was known later than the event, or than the run."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
from feature_worlds import DAY, START, in_time, timed_world, visits
from hypothesis import given, settings
from hypothesis import strategies as st
from test_dataset_assembly import made

from millrace.dataset.manifest import EVENT_TIME, LABEL


def test_timed_parts_are_windows_that_end_at_the_as_of_time(tmp_path: Path) -> None:
    world = timed_world(tmp_path)
    as_of = START + 6 * DAY
    manifest = made(world, visits(8), as_of)
    ends = {name: world.part(name)[EVENT_TIME].max() for name in ("train", "validation", "test")}
    assert ends["train"] <= START + 3 * DAY < ends["validation"] <= START + 4 * DAY
    assert START + 4 * DAY < ends["test"] <= as_of
    assert manifest.split.train_until == (START + 3 * DAY).isoformat()
    assert (manifest.split.test, manifest.split.validation) == (2 * 86400, 86400)
    rows = world.part("train")
    assert rows[[EVENT_TIME, "shop", "till"]].equals(
        rows[[EVENT_TIME, "shop", "till"]].sort_values([EVENT_TIME, "shop", "till"])
    )


def test_a_label_that_became_known_later_is_left_out(tmp_path: Path) -> None:
    world = timed_world(tmp_path)
    as_of = START + 5 * DAY + timedelta(hours=4)
    records = visits(8)
    known = [r for r in records if r["at"] <= as_of and in_time(r["at"], r["known"], as_of)]
    happened = [record for record in records if record["at"] <= as_of]
    assert len(known) < len(happened)
    assert sum(made(world, records, as_of).rows.values()) == len(known)


def test_a_label_that_came_after_the_end_of_its_part_is_not_learnt_from(tmp_path: Path) -> None:
    world = timed_world(tmp_path)
    as_of = START + 6 * DAY
    slow = {"at": START + 2 * DAY, "known": START + 4 * DAY, "shop": "slow", "till": 1}
    late = [{**slow, "amount": 1.0, "late": "yes"}, {**slow, "amount": 1.0, "late": "no"}]
    made(world, [*visits(8), *late], as_of)
    assert "slow" not in set(world.rows()["shop"])
    made(world, [*visits(8), *({**row, "known": START + 3 * DAY} for row in late)], as_of)
    assert "slow" in set(world.part("train")["shop"])


def held(records: list[dict[str, Any]], row: Any) -> tuple[Any, Any, Any]:
    """Return what the features of a row were, told naively: by looking through all records."""
    own = [r for r in records if r["shop"] == row.shop]
    past = [r for r in own if r["at"] <= row.time]
    last = [r for r in past if r["at"] == max(p["at"] for p in past)]
    amounts = [r["amount"] for r in last if r["amount"] is not None]
    seen = [r for r in own if r["till"] == row.till and r["at"] + timedelta(hours=1) <= row.time]
    latest = [r for r in seen if r["at"] == max(s["at"] for s in seen)]
    taken = [r["amount"] for r in latest if r["amount"] is not None]
    return (
        sum(amounts) if amounts else None,
        max(taken) if taken else None,
        len(latest) or None,
    )


EVENTS = st.lists(
    st.fixed_dictionaries(
        {
            "shop": st.sampled_from("ab"),
            "till": st.integers(0, 1),
            "hour": st.integers(0, 6 * 24).map(lambda hour: hour // 3 * 3 + hour % 2),
            "amount": st.none() | st.integers(0, 9).map(float),
            "late": st.sampled_from(["yes", "no", None]),
            "delay": st.integers(0, 30),
        }
    ),
    max_size=40,
)


@settings(deadline=None, max_examples=12)
@given(EVENTS, st.randoms(use_true_random=False))
def test_no_feature_knows_the_future(events: list[dict[str, Any]], chance: Any) -> None:
    as_of = START + 6 * DAY
    records = [
        {
            **{name: event[name] for name in ("shop", "till", "amount", "late")},
            "at": START + timedelta(hours=event["hour"]),
            "known": START + timedelta(hours=event["hour"] + event["delay"]),
        }
        for event in events
    ]
    # So that every part has both classes, whatever was drawn.
    records += [record | {"shop": record["shop"] * 2} for record in visits(6)]
    chance.shuffle(records)
    with tempfile.TemporaryDirectory() as folder:
        world = timed_world(Path(folder))
        made(world, records, as_of)
        rows = world.rows().rename(columns={EVENT_TIME: "time"})
    expected = [
        r
        for r in records
        if r["late"] is not None and r["at"] <= as_of and in_time(r["at"], r["known"], as_of)
    ]
    assert sorted((r["shop"], r["till"], r["at"], r["late"] == "yes") for r in expected) == sorted(
        zip(rows["shop"], rows["till"], rows["time"], rows[LABEL] == 1, strict=True)
    )
    for row in rows.itertuples():
        found = (row.amount, row.till_most, row.visits)
        assert tuple(None if pd.isna(v) else v for v in found) == held(records, row), row
