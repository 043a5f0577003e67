"""The places after a run: where things lie here, then their address."""

from pathlib import Path

from cli.places import places_of
from millrace.registry.registration import Registration
from millrace.runs.summary import RunSummary
from millrace.storage import Store
from millrace.storage.folder import FolderStore
from millrace.validation.report import QualityReport

DIGEST = "ab" * 32


def summary(quarantine: str | None) -> RunSummary:
    return RunSummary(
        run="churn-1",
        workload="churn",
        started="2026-07-27T03:00:12+00:00",
        finished="2026-07-27T03:01:12+00:00",
        outcome="registered",
        headline="It is registered.",
        quality=QualityReport(
            snapshot=DIGEST, parsed=2, accepted=1, quarantined=1, quarantine=quarantine
        ),
        registration=Registration(
            outcome="registered",
            name="churn",
            version=1,
            digest=DIGEST,
            uri=f"s3://millrace/bundles/sha256/{DIGEST}",
        ),
    )


def test_a_bundle_is_told_by_where_it_lies_here_then_by_its_address(tmp_path: Path) -> None:
    store: Store = FolderStore("s3://millrace", tmp_path)
    told = list(places_of(summary("/store/quarantine/churn/1"), store).items())
    assert told == [
        ("bundle", f"{tmp_path}/bundles/sha256/{DIGEST}"),
        ("address", f"s3://millrace/bundles/sha256/{DIGEST}"),
        ("quarantine", "/store/quarantine/churn/1"),
        ("report", f"{tmp_path}/runs/churn-1/report.html"),
        ("summary", f"{tmp_path}/runs/churn-1/summary.json"),
    ]


def test_a_run_without_quarantine_names_none(tmp_path: Path) -> None:
    assert "quarantine" not in places_of(summary(None), FolderStore("s3://millrace", tmp_path))
