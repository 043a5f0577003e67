"""The predictor runs on what its role's requirements hold, and imports nothing beside."""

from pathlib import Path

from tests.integration.predictors import make_bundle, predictor, row
from tests.integration.role_blocker import block, foreign_modules

LOCKED = Path("requirements/serving.txt")


def test_the_predictor_answers_without_any_package_of_another_role(tmp_path: Path) -> None:
    foreign = foreign_modules(LOCKED)
    assert {"feast", "torch", "kfp", "mlflow", "pandas", "pyarrow", "fastapi", "kserve"} <= foreign
    block(foreign, tmp_path)
    bundle = make_bundle(tmp_path / "bundle")
    with predictor(bundle, tmp_path, PYTHONPATH=str(tmp_path)) as running:
        assert running.infer(row()).status == 200
        assert (
            b"millrace_predictor_requests_total"
            in running.ask("/metrics", port=running.metrics).body
        )
