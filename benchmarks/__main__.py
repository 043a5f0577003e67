"""Run the benchmarks, print a table and write build/bench.json: `make bench`."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

from benchmarks.rows import Row

MODULES = (
    "startup",
    "pipeline",
    "features",
    "churn_quality",
    "rolling",
    "flights",
    "analysis",
    "predictor",
    "predictor_role",
    "lookup",
    "gateway",
)
RESULT = Path("build/bench.json")


def main() -> None:
    """Run all benchmarks, or those that are named."""
    rows: list[Row] = []
    for name in sys.argv[1:] or MODULES:
        print(f"{name} …", flush=True)
        rows += importlib.import_module(f"benchmarks.{name}").run()
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    width = max(len(row["name"]) for row in rows)
    print(f"\n{'':<{width}}  {'ours':>9}  {'peer':>9}  {'ratio':>6}  goal")
    for row in rows:
        print(_line(row, width))
    print(f"\nwrote {RESULT}")
    sys.exit(not all(row["met"] for row in rows))


def _line(row: Row, width: int) -> str:
    peer, ratio = (f"{v:g}" if v is not None else "" for v in (row["peer"], row["ratio"]))
    verdict = f"{row['goal']}: {'met' if row['met'] else 'MISSED'}"
    return f"{row['name']:<{width}}  {row['ours']:>9g}  {peer:>9}  {ratio:>6}  {verdict}"


if __name__ == "__main__":
    main()
