"""Digests that name content: SHA-256, as 64 hexadecimal digits."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any


def canonical_json(value: Any) -> bytes:
    """Return the one JSON spelling of a value: keys sorted, no spaces, UTF-8, no NaN.

    Raises:
        ValueError: a number is NaN or infinite.
    """
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def digest_of_bytes(content: bytes) -> str:
    """Return the digest of bytes."""
    return hashlib.sha256(content).hexdigest()


def digest_of_json(value: Any) -> str:
    """Return the digest of a JSON value, however its keys are ordered."""
    return digest_of_bytes(canonical_json(value))


def digest_of_file(path: Path) -> str:
    """Return the digest of a file's content, read in chunks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_of_files(root: Path, files: list[Path]) -> str:
    """Return the digest of files under a root: their relative names and contents."""
    return digest_of_json(
        {file.relative_to(root).as_posix(): digest_of_file(file) for file in sorted(files)}
    )
