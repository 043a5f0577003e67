"""The seam of online lookups: join keys of rows in, the features of their entities out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from millrace.errors import ServingError

Key = str | int
Value = str | float | int | bool | None
Values = list[Value]


class OnlineStoreDown(ServingError):  # noqa: N818
    """The online store did not answer in time, or not as a store of features answers."""


class OnlineStore(Protocol):
    """Where the features of entities are read while requests wait."""

    async def start(self) -> None:
        """Connect as far as possible; a store that is down is tried again by `read`."""
        ...

    async def read(
        self, keys: Mapping[str, Sequence[Key]], views: Sequence[int]
    ) -> dict[str, Values]:
        """Return the features of some views for n rows.

        Args:
            keys: values of each join key that the views need, n of each: str for STRING, int that
                fits the type for INT32 and INT64. They are not checked here.
            views: which views of the lookup plan to read, as positions in it.

        Returns:
            For each field of these views, under its name, n values as
            Feast's `get_online_features` returns them: str, int, float or bool; None where the
            entity or the value is missing, or the value is older than the view's time to live.

        Raises:
            OnlineStoreDown: it does not answer within the lookup timeout.
        """
        ...

    async def close(self) -> None:
        """End connections."""
        ...
