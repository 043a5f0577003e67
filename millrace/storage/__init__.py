"""The object store: one bucket, or the folder that stands for it on a laptop."""

from millrace.settings import Settings
from millrace.storage.base import Store
from millrace.storage.folder import FolderStore

__all__ = ["Store", "open_store"]


def open_store(settings: Settings) -> Store:
    """Return the object store of an installation."""
    if not settings.bucket_remote:
        return FolderStore(settings.bucket, settings.store_folder)
    from millrace.storage.bucket import BucketStore

    return BucketStore(settings.bucket, settings.s3_endpoint, settings.timeout)
