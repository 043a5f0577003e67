"""Where records come from: a union on `kind`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from millrace.workload.base import Model


class CsvSource(Model):
    """A CSV file as of RFC 4180, in UTF-8, with a header."""

    kind: Literal["csv"]
    path: str
    """Path of the file, relative to the workload's folder."""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    """The one character between fields."""


class ParquetSource(Model):
    """A Parquet file, or a folder of them."""

    kind: Literal["parquet"]
    path: str
    """Path of the file or folder, relative to the workload's folder."""


class SqlSource(Model):
    """A query against a database that SQLAlchemy reaches."""

    kind: Literal["sql"]
    url: str
    """SQLAlchemy URL; `${NAME}` in it is replaced from the environment, to keep secrets out."""
    query: str
    """The query; `:start` and `:end` in it are bound to the time window and a day more at each end.

    Which records lie in the window is then decided by their event time, as the contract reads it.
    """


Source = Annotated[CsvSource | ParquetSource | SqlSource, Field(discriminator="kind")]
