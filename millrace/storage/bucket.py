"""The object store of a cluster: a bucket of an S3 service, by fsspec."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from millrace.errors import StoreError
from millrace.storage.base import Store

ATTEMPTS = 2


class BucketStore(Store):
    """A bucket: a file appears at once, a folder with its manifest last."""

    def __init__(self, bucket: str, endpoint: str, timeout: float) -> None:
        """Take the bucket's address, the service's endpoint if it is not Amazon's, and seconds."""
        super().__init__(bucket)
        import fsspec

        self._files = fsspec.filesystem(
            "s3",
            use_listings_cache=False,
            client_kwargs={"endpoint_url": endpoint} if endpoint else {},
            config_kwargs={
                "connect_timeout": timeout,
                "read_timeout": timeout,
                "retries": {"max_attempts": ATTEMPTS},
            },
        )

    def location(self, key: str) -> str:
        """See Store."""
        return self.uri(key)

    def exists(self, key: str) -> bool:
        """See Store."""
        with self._answering(key):
            return bool(self._files.exists(self.uri(key)))

    def names(self, key: str) -> list[str]:
        """See Store."""
        with self._answering(key):
            if not self._files.exists(self.uri(key)):
                return []
            paths = self._files.ls(self.uri(key), detail=False)
            return sorted(PurePosixPath(str(path)).name for path in paths)

    def read_bytes(self, key: str) -> bytes:
        """See Store."""
        with self._answering(key):
            content: bytes = self._files.cat_file(self.uri(key))
            return content

    def write_bytes(self, key: str, content: bytes) -> None:
        """See Store."""
        with self._answering(key):
            self._files.pipe_file(self.uri(key), content)

    def publish(self, folder: Path, key: str) -> None:
        """See Store."""
        if self.exists(f"{key}/manifest.json"):
            return
        with self._answering(key):
            files = sorted(path for path in folder.rglob("*") if path.is_file())
            for path in sorted(files, key=lambda path: path.name == "manifest.json"):
                self._files.put_file(
                    str(path), self.uri(f"{key}/{path.relative_to(folder).as_posix()}")
                )

    def fetch(self, key: str, folder: Path) -> Path:
        """See Store."""
        if not self.exists(key):
            raise StoreError("nothing lies there", where=self.uri(key))
        with self._answering(key):
            folder.parent.mkdir(parents=True, exist_ok=True)
            partial = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".partial-"))
            try:
                self._files.get(f"{self.uri(key)}/", f"{partial}/", recursive=True)
                shutil.copytree(partial, folder, dirs_exist_ok=True)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
        return folder

    @contextmanager
    def staging(self, key: str) -> Iterator[Path]:
        """See Store."""
        with self._answering(key), tempfile.TemporaryDirectory(prefix="millrace-") as name:
            yield Path(name)

    @contextmanager
    def _answering(self, key: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise StoreError("nothing lies there", where=self.uri(key)) from error
        except Exception as error:
            if not isinstance(error, OSError) and not _is_the_services(error):
                raise
            raise StoreError(
                f"the store does not answer: {error}",
                where=self.uri(key),
                remedy="check MILLRACE_S3_ENDPOINT and the credentials, then run again",
            ) from error


def _is_the_services(error: Exception) -> bool:
    return type(error).__module__.startswith(("botocore", "aiobotocore", "aiohttp"))
