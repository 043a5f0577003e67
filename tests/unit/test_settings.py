"""Settings come from the environment; an unusable one names its variable."""

from pathlib import Path

import pytest

from millrace.errors import MillraceError
from millrace.settings import load_settings


def test_a_laptop_needs_no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MILLRACE_HOME", raising=False)
    settings = load_settings()
    assert settings.store_folder == tmp_path / ".millrace" / "store"
    assert settings.mlflow_tracking_uri == f"sqlite:///{tmp_path}/.millrace/mlflow.db"


def test_an_unusable_value_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILLRACE_ONLINE_STORE", "mongo")
    with pytest.raises(MillraceError, match="MILLRACE_ONLINE_STORE") as raised:
        load_settings()
    assert "'sqlite' or 'redis'" in str(raised.value)
