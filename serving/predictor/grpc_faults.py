"""What a gRPC client hears of a fault: code, details and trailing metadata."""

from __future__ import annotations

from typing import Any, NoReturn

import grpc
from grpc import _server

from serving.predictor.faults import GRPC_CODES, ClientFault
from serving.predictor.oip_reading import field_path

Metadata = tuple[tuple[str, str], ...]


def retry_after(seconds: int) -> Metadata:
    """Return the trailing metadata of a refusal that a client may try again.

    `grpc-retry-pushback-ms` is what gRPC's own clients obey (proposal A6, client retries).
    """
    return (("retry-after", str(seconds)), ("grpc-retry-pushback-ms", str(1000 * seconds)))


def abort(context: Any, fault: ClientFault, about: Metadata) -> NoReturn:
    """End a call with a fault, in its own thread; gRPC raises an exception of its own for that.

    Args:
        context: gRPC's context of the call.
        fault: what the client hears.
        about: trailing metadata that say who refused.
    """
    code, details = _tell(context, fault, about)
    raise context.abort(code, details)


def end(context: Any, fault: ClientFault, about: Metadata) -> None:
    """End a call with a fault, while its own thread waits for its message.

    gRPC lets other threads only cancel a call, of which its client would not hear why; so this
    does what `context.abort` leads to. The call's thread must then `leave`.
    """
    code, details = _tell(context, fault, about)
    context.set_code(code)
    context.set_details(details)
    with context._state.condition:
        _server._abort(context._state, context._rpc_event.call, code.value[0], b"")


def leave(context: Any) -> NoReturn:
    """Leave a call that was ended in another thread."""
    raise _server._raise_rpc_error(context._state)


def _tell(context: Any, fault: ClientFault, about: Metadata) -> tuple[grpc.StatusCode, str]:
    place = field_path(fault.pointer or "")
    trailing = () if fault.retry_after is None else retry_after(fault.retry_after)
    context.set_trailing_metadata((*about, *trailing))
    code = grpc.StatusCode[GRPC_CODES[fault.status]]
    return code, f"{place}: {fault.message}" if place else fault.message
