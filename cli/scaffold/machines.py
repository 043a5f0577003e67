"""The made-up records of a new workload: machines, some of which fail."""

from __future__ import annotations

import csv
import io
import math
import random

ROWS = 1500
COLUMNS = (
    "machine_id",
    "site",
    "kind",
    "age_months",
    "load",
    "temperature",
    "vibration",
    "failed",
)
_SITES = ("Aarhus", "Bilbao", "Gdynia")
_KINDS = {"press": 0.0, "pump": 1.5, "saw": -1.0}


def machines_csv() -> str:
    """Return the records as CSV with a header, the same at each call.

    The odds of a failure grow with age, load, heat and vibration, and depend on the kind; the
    sensor of vibration is missing from one machine in twelve.
    """
    draw = random.Random(7)  # noqa: S311 - made-up records, not secrets
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for number in range(ROWS):
        writer.writerow(_machine(number, draw))
    return text.getvalue()


def _machine(number: int, draw: random.Random) -> tuple[object, ...]:
    site, kind = draw.choice(_SITES), draw.choice(tuple(_KINDS))
    age = draw.randrange(240)
    load = round(draw.betavariate(4, 3), 3)
    temperature = round(draw.gauss(45 + 20 * load, 8), 1)
    vibration = round(draw.lognormvariate(0.3 + age / 400, 0.4), 2)
    odds = (
        -11.5 + _KINDS[kind] + 0.02 * age + 4.0 * load + 0.07 * (temperature - 50) + 1.6 * vibration
    )
    failed = draw.random() < 1 / (1 + math.exp(-odds))
    sensor = "" if draw.random() < 1 / 12 else vibration
    return (
        f"m-{number + 1:04}",
        site,
        kind,
        age,
        load,
        temperature,
        sensor,
        "yes" if failed else "no",
    )
