"""Request ids: the client's if it is fit for a log line, else ours."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import count
from secrets import token_hex

MAX_LENGTH = 128
PATTERN = r"^[!-~]{1,128}$"
"""Printable ASCII without spaces: what a header, a log line and an exemplar can carry."""

_is_fit = re.compile(PATTERN.replace("$", r"\Z")).match


def is_fit(text: str) -> bool:
    """Return whether a client's request id can be carried on."""
    return _is_fit(text) is not None


def id_source() -> Callable[[], str]:
    """Return a function that returns a new request id each time: unique, and cheap."""
    prefix = token_hex(6)
    following = count(1).__next__

    def new_id() -> str:
        return f"{prefix}-{following():x}"

    return new_id


def id_of_header(value: bytes | None) -> str | None:
    """Return the request id of an `x-request-id` header, if there is a fit one."""
    if value is None:
        return None
    text = value.decode("latin-1")
    return text if is_fit(text) else None
