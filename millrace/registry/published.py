"""Bundles in the store: written once under their digest, verified whenever they are opened."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from millrace.digests import digest_of_file
from millrace.errors import MillraceError, RegistryError, StoreError
from millrace.files import disk_fault
from millrace.progress import say
from millrace.registry.bundle import CARD, EXPORTED, MANIFEST, Bundle
from millrace.registry.card import BundleManifest
from millrace.storage import Store


def is_digest(text: str) -> bool:
    """Return whether a text is a digest: 64 lower-case hexadecimal digits."""
    return re.fullmatch(r"[0-9a-f]{64}", text) is not None


def bundle_key(digest: str) -> str:
    """Return the key under which a bundle lies in the store.

    Raises:
        RegistryError: this is not a digest.
    """
    if not is_digest(digest):
        raise RegistryError(
            "this names no bundle",
            found=repr(digest),
            expected="the 64 lower-case hexadecimal digits of its digest",
            remedy="see `millrace candidates`",
        )
    return f"bundles/sha256/{digest}"


def publish_bundle(bundle: Bundle, store: Store) -> str:
    """Write a bundle to the store, once, and return its address there.

    A bundle that lies there already is left as it is, and verified.

    Returns:
        The address as it stands in Git and the registry: `s3://BUCKET/bundles/sha256/DIGEST`.

    Raises:
        StoreError: the store does not answer, or what lies there is damaged.
    """
    key = bundle_key(bundle.digest)
    if store.exists(f"{key}/{MANIFEST}"):
        with tempfile.TemporaryDirectory() as scratch:
            open_bundle(store, bundle.digest, Path(scratch))
    else:
        store.publish(bundle.folder, key)
        say("bundle_published", digest=bundle.digest, uri=store.uri(key))
    return store.uri(key)


def open_bundle(store: Store, digest: str, scratch: Path) -> Path:
    """Return a local folder with a bundle, after every file of it was verified.

    Args:
        store: where it lies; one on this machine's disk is used in place.
        digest: digest of the bundle.
        scratch: folder that a remote bundle is copied into.

    Raises:
        RegistryError: this is not a digest.
        StoreError: the bundle is not there or is damaged, or the store or the disk under `scratch`
            does not do as asked.
    """
    key = bundle_key(digest)
    try:
        scratch.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=scratch)) / digest
    except OSError as error:
        raise disk_fault(error, str(scratch), "no bundle can be copied there") from error
    folder = store.fetch(key, folder)
    try:
        verify_bundle(folder, digest, store.location(key))
    except OSError as error:
        raise disk_fault(error, store.location(key), "the bundle cannot be read") from error
    return folder


def verify_bundle(folder: Path, digest: str, place: str = "") -> None:
    """Hold a folder's manifest to the bundle's digest, and every file to the manifest.

    Args:
        folder: the bundle on this machine.
        digest: digest of the bundle.
        place: what the message of a fault calls the folder; its path by default.

    Raises:
        StoreError: the folder is damaged, or is not this bundle.
    """
    place = place or str(folder)
    _verify_file(folder / MANIFEST, digest, f"{place}/{MANIFEST}")
    try:
        manifest = BundleManifest.read(folder / MANIFEST)
    except MillraceError as error:
        raise StoreError(error.problem, where=f"{place}/{MANIFEST}") from error
    missing = {*EXPORTED, CARD} - manifest.files.keys()
    if missing:
        raise StoreError(
            f"the manifest does not list {', '.join(sorted(missing))}",
            where=f"{place}/{MANIFEST}",
            remedy="this is no bundle: choose another (see `millrace candidates`)",
        )
    for name, expected in manifest.files.items():
        if Path(name).name != name:
            raise StoreError(
                "the manifest lists a file outside of the bundle",
                where=f"{place}/{MANIFEST}",
                found=repr(name),
            )
        _verify_file(folder / name, expected, f"{place}/{name}")


def _verify_file(file: Path, expected: str, where: str) -> None:
    remedy = "restore the bundle from a copy, or delete its folder and run the pipeline again"
    if not file.is_file():
        raise StoreError(
            "a file of the bundle is missing",
            where=where,
            found="no file",
            expected=f"digest {expected}",
            remedy=remedy,
        )
    found = digest_of_file(file)
    if found != expected:
        raise StoreError(
            "a file of the bundle is damaged",
            where=where,
            found=f"digest {found}",
            expected=expected,
            remedy=remedy,
        )
