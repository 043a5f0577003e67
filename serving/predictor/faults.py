"""What a client hears when its request cannot be answered; each protocol says it in its way."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from millrace.located import did_you_mean


class ClientFault(Exception):  # noqa: N818
    """A request that is not answered with predictions, and why.

    Attributes:
        status: HTTP status code; gRPC maps it to its own codes (see `GRPC_CODES`).
        message: one line for the client.
        pointer: JSON pointer (RFC 6901) of the fault in the request, as the v2 REST protocol has
            it; '' for the whole request, None if the fault is not in the request.
        retry_after: seconds after which a client may try again, for 503.
    """

    def __init__(
        self, status: int, message: str, pointer: str | None = None, retry_after: int | None = None
    ) -> None:
        self.status = status
        self.message = message
        self.pointer = pointer
        self.retry_after = retry_after
        super().__init__(message)


GRPC_CODES = {
    400: "INVALID_ARGUMENT",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    413: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
"""gRPC status codes for the statuses that reading and answering requests raise."""


def bad_input(message: str, pointer: str) -> ClientFault:
    """Return the fault of a request that says something that cannot be."""
    return ClientFault(400, message, pointer)


def too_many_rows(most: int, pointer: str) -> ClientFault:
    """Return the fault of a request that has more rows than are answered at once."""
    return bad_input(f"a request has at most {most} rows; send the others in another", pointer)


def unknown_input(name: str, known: Iterable[str], pointer: str) -> ClientFault:
    """Return the fault of an input that the model does not have, with the one most like it.

    Args:
        name: what the request names.
        known: names of all inputs: features and join keys.
        pointer: where the request names it.
    """
    shown = name[:60]
    hint = _nearest(shown, tuple(known)) or "the model's metadata names those that it has"
    return bad_input(f"the model has no input {shown!r}; {hint}", pointer)


def unknown_output(name: str, known: Iterable[str], pointer: str) -> ClientFault:
    """Return the fault of an output that the model does not have, with those that it has."""
    return bad_input(f"the model has no output {name[:60]!r}; it has {', '.join(known)}", pointer)


@lru_cache(maxsize=256)
def _nearest(name: str, known: tuple[str, ...]) -> str:
    """Return the hint at a name; kept, as it takes milliseconds and clients repeat their faults."""
    return did_you_mean(name, known)


def overloaded(message: str = "too many requests wait for an answer") -> ClientFault:
    """Return the fault of a request that there is no room for now."""
    return ClientFault(503, message, retry_after=1)


def pointer_token(name: str) -> str:
    """Return a name as one token of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")
