"""What an object store does for the platform; each backend is a module of its own."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any


class Store(ABC):
    """One bucket of snapshots, records and bundles: keys are relative POSIX paths.

    What is written appears whole or not at all: files at once, folders at once or, where that
    cannot be, with their `manifest.json` last. Every method raises a StoreError in one line if the
    store does not do as asked.
    """

    def __init__(self, bucket: str) -> None:
        """Take the bucket's address, such as `s3://millrace`."""
        self._bucket = bucket.rstrip("/")

    def uri(self, key: str) -> str:
        """Return the address that stands in Git and in the registry, the same on every machine."""
        return f"{self._bucket}/{key}"

    @abstractmethod
    def location(self, key: str) -> str:
        """Return where the key lies for a program on this machine: a path, or the bucket's URI."""

    @abstractmethod
    def exists(self, key: str) -> bool:
        """Return whether a file or folder lies under the key."""

    @abstractmethod
    def names(self, key: str) -> list[str]:
        """Return the sorted names of what lies directly in a folder; none if there is no folder."""

    @abstractmethod
    def read_bytes(self, key: str) -> bytes:
        """Return a file's content.

        Raises:
            StoreError: there is no such file.
        """

    @abstractmethod
    def write_bytes(self, key: str, content: bytes) -> None:
        """Write a file so that readers see the old content or the new, never a part."""

    @abstractmethod
    def publish(self, folder: Path, key: str) -> None:
        """Write a folder once under a key: one that is there already is left as it is.

        Args:
            folder: a complete local folder with a `manifest.json`; it is copied.
            key: where it shall lie.
        """

    @abstractmethod
    def fetch(self, key: str, folder: Path) -> Path:
        """Return a local folder with what lies under the key, copied into `folder` if it is remote.

        Raises:
            StoreError: nothing lies there.
        """

    @abstractmethod
    def staging(self, key: str) -> AbstractContextManager[Path]:
        """Lend an empty folder, on the store's disk if it has one, for what is to be published.

        It is gone afterwards, whatever happens; those of processes that were killed are swept.

        Args:
            key: what is being prepared, for the message when the disk does not do as asked.
        """

    def write_json(self, key: str, value: Any) -> None:
        """Write a JSON file, indented for people."""
        self.write_bytes(key, (json.dumps(value, indent=2, default=str) + "\n").encode())
