"""Where the platform keeps things: environment variables with the prefix MILLRACE_."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from millrace.errors import MillraceError

HOME_REMEDY = "set MILLRACE_HOME to a folder that you may write to"
"""What to do where the home cannot be written to."""


class Settings(BaseSettings):
    """The settings of one installation, read from the environment.

    On a laptop nothing needs to be set: the bucket is a folder under `home`, the registry and the
    online store are SQLite files beside it.
    """

    model_config = SettingsConfigDict(env_prefix="MILLRACE_", frozen=True, extra="ignore")

    home: Path = Field(Path(".millrace"), description="Folder for all that a laptop keeps.")
    bucket: str = Field("s3://millrace", description="Bucket of snapshots, runs and bundles.")
    bucket_folder: Path | None = Field(
        None, description="Folder that stands for the bucket; by default HOME/store."
    )
    bucket_remote: bool = Field(False, description="Use the bucket itself, not a folder.")
    s3_endpoint: str = Field("", description="Endpoint of an S3 service other than Amazon's.")
    mlflow_uri: str = Field("", description="MLflow tracking server; by default HOME/mlflow.db.")
    online_store: Literal["sqlite", "redis"] = Field("sqlite", description="Online feature store.")
    redis: str = Field("localhost:6379", description="host:port of Redis.")
    feast_registry: str = Field("", description="Feast registry; by default a file in HOME.")
    checkpoints: Path | None = Field(
        None, description="Folder of checkpoints, a volume on a cluster; by default in HOME."
    )
    deploy_repository: str = Field(
        "", description="Git repository that says what serves; by default HOME/deploy.git."
    )
    forge: Literal["local", "gitea"] = Field("local", description="Where pull requests live.")
    forge_url: str = Field("", description="Base URL of Gitea, without the repository.")
    forge_token: SecretStr = Field(SecretStr(""), description="Access token of Gitea.")
    domain: str = Field(
        "millrace.localhost", description="A workload answers at http://WORKLOAD.DOMAIN."
    )
    gateway_port: int = Field(8080, ge=1, le=65535, description="Port of the laptop's gateway.")
    prometheus: str = Field("", description="Base URL of a cluster's Prometheus.")
    namespaces: str = Field(
        "", description="Namespaces of arms, separated by commas: makes it a cluster."
    )
    rollout_port: int | None = Field(
        None, ge=0, le=65535, description="Port of the rollout controller's page."
    )
    settling: float = Field(
        3.0, gt=0, description="Seconds that the gateway takes to follow Git, at most."
    )
    timeout: float = Field(10.0, gt=0, description="Seconds to wait for a store or registry.")

    @property
    def store_folder(self) -> Path:
        """Return the folder that stands for the bucket on a laptop."""
        return (self.bucket_folder or self.home / "store").resolve()

    @property
    def mlflow_tracking_uri(self) -> str:
        """Return the tracking URI of MLflow, a SQLite file unless a server is set."""
        return self.mlflow_uri or f"sqlite:///{self.home.resolve() / 'mlflow.db'}"

    @property
    def deploy_url(self) -> str:
        """Return the URL or path of the deploy repository."""
        return self.deploy_repository or str(self.home.resolve() / "deploy.git")

    @property
    def arm_namespaces(self) -> tuple[str, ...]:
        """Return the namespaces of arms on a cluster; none on a laptop."""
        return tuple(dict.fromkeys(filter(None, map(str.strip, self.namespaces.split(",")))))

    @property
    def platform_folder(self) -> Path:
        """Return the folder of the running local platform: its state, sockets, logs, metrics."""
        return self.home.resolve() / "platform"

    @property
    def events_folder(self) -> Path:
        """Return the folder in which the local platform keeps its predictors' events."""
        return self.platform_folder / "events"

    def checkpoint_folder(self, workload: str) -> Path:
        """Return the folder of a workload's checkpoints, which must outlive a killed step."""
        return (self.checkpoints or self.home / "checkpoints").resolve() / workload

    def feast_folder(self, workload: str) -> Path:
        """Return the folder of a workload's Feast registry and SQLite online store."""
        return self.home.resolve() / "feast" / workload


def load_settings() -> Settings:
    """Return the settings of the environment.

    Raises:
        MillraceError: a variable holds an unusable value.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "MILLRACE_" + "_".join(str(part) for part in first["loc"]).upper()
        raise MillraceError(
            first["msg"], where=name, found=repr(first["input"]), remedy="set or unset the variable"
        ) from error
