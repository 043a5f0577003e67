"""The object store of a laptop: a folder that stands for the bucket."""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from millrace.errors import StoreError
from millrace.files import disk_fault, write_whole
from millrace.storage.base import Store
from millrace.storage.staging import lend


class FolderStore(Store):
    """A folder: files and folders appear by an atomic rename."""

    def __init__(self, bucket: str, folder: Path) -> None:
        """Take the bucket's address and the folder that stands for it."""
        super().__init__(bucket)
        self._folder = folder

    def location(self, key: str) -> str:
        """See Store."""
        return str(self._path(key))

    def exists(self, key: str) -> bool:
        """See Store."""
        with self._answering(key):
            return self._path(key).exists()

    def names(self, key: str) -> list[str]:
        """See Store."""
        with self._answering(key):
            folder = self._path(key)
            return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []

    def read_bytes(self, key: str) -> bytes:
        """See Store."""
        with self._answering(key):
            return self._path(key).read_bytes()

    def write_bytes(self, key: str, content: bytes) -> None:
        """See Store."""
        write_whole(self._path(key), content)

    def publish(self, folder: Path, key: str) -> None:
        """See Store."""
        with self._answering(key):
            target = self._path(key)
            if (target / "manifest.json").exists():
                return
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = Path(tempfile.mkdtemp(dir=target.parent, prefix=".partial-"))
            try:
                shutil.copytree(folder, partial, dirs_exist_ok=True)
                partial.chmod(0o755)
                _move(partial, target)
            finally:
                shutil.rmtree(partial, ignore_errors=True)

    def fetch(self, key: str, folder: Path) -> Path:
        """See Store."""
        del folder  # what lies here need not be copied
        if not self.exists(key):
            raise StoreError("nothing lies there", where=self.location(key))
        return self._path(key)

    @contextmanager
    def staging(self, key: str) -> Iterator[Path]:
        """See Store."""
        with self._answering(key), lend(self._folder / ".staging") as folder:
            yield folder

    def _path(self, key: str) -> Path:
        return self._folder / key

    @contextmanager
    def _answering(self, key: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise StoreError("nothing lies there", where=self.location(key)) from error
        except OSError as error:
            problem = "the store does not do as asked"
            raise disk_fault(error, self.location(key), problem) from error


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
