"""The predictor runs on what its role's requirements hold, and imports nothing beside."""

import importlib.metadata
import re
from pathlib import Path

from tests.integration.predictors import make_bundle, predictor, row

LOCKED = Path("requirements/serving.txt")
BLOCKER = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"{name} is not in the serving role", name=name)

sys.meta_path.insert(0, Blocker())
"""


def foreign_modules() -> set[str]:
    """Return the top-level modules of every installed package that the role does not have."""
    locked = re.findall(r"^([A-Za-z0-9._-]+)==", LOCKED.read_text(), re.MULTILINE)
    ours = {re.sub(r"[-_.]+", "-", name).lower() for name in [*locked, "millrace"]}
    owners = importlib.metadata.packages_distributions()
    return {
        module
        for module, names in owners.items()
        if not ours & {re.sub(r"[-_.]+", "-", name).lower() for name in names}
    }


def test_the_predictor_answers_without_any_package_of_another_role(tmp_path: Path) -> None:
    foreign = foreign_modules()
    assert {"feast", "torch", "kfp", "mlflow", "pandas", "pyarrow", "fastapi", "kserve"} <= foreign
    (tmp_path / "sitecustomize.py").write_text(f"BLOCKED = {sorted(foreign)!r}\n{BLOCKER}")
    bundle = make_bundle(tmp_path / "bundle")
    with predictor(bundle, tmp_path, PYTHONPATH=str(tmp_path)) as running:
        assert running.infer(row()).status == 200
        assert (
            b"millrace_predictor_requests_total"
            in running.ask("/metrics", port=running.metrics).body
        )
