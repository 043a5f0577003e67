"""The object store: one bucket of snapshots, records, checkpoints and bundles."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import fsspec

from millrace.errors import StoreError
from millrace.settings import Settings


class Store:
    """A bucket, or the folder that stands for it on a laptop: keys are relative POSIX paths.

    What is written appears whole or not at all: files by an atomic rename, folders by a rename
    or, on a bucket, with their `manifest.json` last.
    """

    def __init__(self, settings: Settings) -> None:
        self._bucket = settings.bucket.rstrip("/")
        self._folder = None if settings.bucket_remote else settings.store_folder
        if self._folder is not None:
            self._fs = fsspec.filesystem("file")
        else:
            client = {"endpoint_url": settings.s3_endpoint} if settings.s3_endpoint else {}
            timeouts = {
                "connect_timeout": settings.timeout,
                "read_timeout": settings.timeout,
                "retries": {"max_attempts": 2},
            }
            self._fs = fsspec.filesystem("s3", client_kwargs=client, config_kwargs=timeouts)

    def uri(self, key: str) -> str:
        """Return the address that stands in Git and in the registry, the same on every machine."""
        return f"{self._bucket}/{key}"

    def location(self, key: str) -> str:
        """Return where the key lies for a program on this machine: a path, or the bucket's URI."""
        return str(self._folder / key) if self._folder is not None else self.uri(key)

    def exists(self, key: str) -> bool:
        """Return whether a file or folder lies under the key."""
        with self._answering(key):
            return bool(self._fs.exists(self.location(key)))

    def names(self, key: str) -> list[str]:
        """Return the sorted names of what lies directly in a folder; none if there is no folder."""
        with self._answering(key):
            if not self._fs.exists(self.location(key)):
                return []
            paths = self._fs.ls(self.location(key), detail=False)
            return sorted(PurePosixPath(str(path)).name for path in paths)

    def read_bytes(self, key: str) -> bytes:
        """Return a file's content.

        Raises:
            StoreError: there is no such file, or the store does not answer.
        """
        with self._answering(key):
            content: bytes = self._fs.cat_file(self.location(key))
            return content

    def read_json(self, key: str) -> Any:
        """Return a JSON file's value."""
        return json.loads(self.read_bytes(key))

    def write_bytes(self, key: str, content: bytes) -> None:
        """Write a file so that readers see the old content or the new, never a part."""
        with self._answering(key):
            if self._folder is None:
                self._fs.pipe_file(self.location(key), content)
                return
            target = Path(self.location(key))
            target.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=target.parent, prefix=".partial-")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                Path(name).replace(target)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise

    def write_json(self, key: str, value: Any) -> None:
        """Write a JSON file, indented for people."""
        self.write_bytes(key, (json.dumps(value, indent=2, default=str) + "\n").encode())

    def delete(self, key: str) -> None:
        """Delete a file or folder; one that is not there is no fault."""
        with self._answering(key):
            if self._fs.exists(self.location(key)):
                self._fs.rm(self.location(key), recursive=True)

    def publish(self, folder: Path, key: str) -> None:
        """Write a folder once under a key: one that is there already is left as it is.

        Args:
            folder: a complete local folder with a `manifest.json`; it is copied.
            key: where it shall lie.
        """
        if self.exists(f"{key}/manifest.json"):
            return
        with self._answering(key):
            if self._folder is None:
                files = sorted(path for path in folder.rglob("*") if path.is_file())
                for path in sorted(files, key=lambda path: path.name == "manifest.json"):
                    self._fs.put_file(
                        str(path), self.location(f"{key}/{path.relative_to(folder).as_posix()}")
                    )
                return
            target = Path(self.location(key))
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = Path(tempfile.mkdtemp(dir=target.parent, prefix=".partial-"))
            try:
                shutil.copytree(folder, partial, dirs_exist_ok=True)
                partial.chmod(0o755)
                self._move(partial, target)
            finally:
                shutil.rmtree(partial, ignore_errors=True)

    @staticmethod
    def _move(partial: Path, target: Path) -> None:
        """Put a whole folder into its place, unless another process was quicker."""
        try:
            partial.rename(target)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            if (target / "manifest.json").exists():
                return
            half_written = Path(tempfile.mkdtemp(dir=target.parent, prefix=".partial-"))
            target.rename(half_written)
            shutil.rmtree(half_written, ignore_errors=True)
            partial.rename(target)

    def fetch(self, key: str, folder: Path) -> Path:
        """Return a local folder with what lies under the key, copied there if it is remote.

        Raises:
            StoreError: nothing lies there, or the store does not answer.
        """
        if not self.exists(key):
            raise StoreError("nothing lies there", where=self.uri(key))
        if self._folder is not None:
            return Path(self.location(key))
        with self._answering(key):
            self._fs.get(self.location(key), str(folder), recursive=True)
        return folder

    @contextmanager
    def staging(self, key: str) -> Iterator[Path]:
        """Lend an empty folder, on the store's disk if it has one, for what is to be published.

        It is gone afterwards, whatever happens; those of processes that were killed are swept.

        Args:
            key: what is being prepared, for the message when the disk does not do as asked.

        Raises:
            StoreError: the disk is full or not writable; nothing is left of what was prepared.
        """
        with self._answering(key):
            if self._folder is None:
                with tempfile.TemporaryDirectory(prefix="millrace-") as name:
                    yield Path(name)
                return
            folder, lock = _staging_folder(self._folder / ".staging")
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)
                os.close(lock)

    @contextmanager
    def _answering(self, key: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise StoreError("nothing lies there", where=self.uri(key)) from error
        except OSError as error:
            raise StoreError(
                f"the store does not do as asked: {error.strerror or error}",
                where=self.location(key),
                remedy="free space or mend access, then run again: nothing was half-written",
            ) from error
        except Exception as error:
            if not type(error).__module__.startswith(("botocore", "aiobotocore", "aiohttp")):
                raise
            raise StoreError(
                f"the store does not answer: {error}",
                where=self.uri(key),
                remedy="check MILLRACE_S3_ENDPOINT and the credentials, then run again",
            ) from error


def _staging_folder(root: Path) -> tuple[Path, int]:
    """Return a new folder and the lock that says its owner lives; sweep the folders of the dead."""
    root.mkdir(parents=True, exist_ok=True)
    entrance = os.open(root, os.O_RDONLY)
    try:
        fcntl.flock(entrance, fcntl.LOCK_EX)
        for other in root.iterdir():
            if _is_abandoned(other):
                shutil.rmtree(other, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(dir=root))
        lock = os.open(folder, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        return folder, lock
    finally:
        os.close(entrance)


def _is_abandoned(folder: Path) -> bool:
    try:
        handle = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(handle)
    return True
