"""Messages of gRPC calls, received within bounds: how many, how slowly, how many bytes.

gRPC tells nothing of a message before all of it is there. Most are there at once, for a client
sends them together with the call. Of those that take longer, only so many are waited for, and not
for ever; so large or stalled messages take little memory and few threads, and do not keep small
ones from being answered.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from threading import Event
from typing import Any

import grpc

from serving.predictor.bodies import Bodies
from serving.predictor.faults import ClientFault, bad_input, overloaded
from serving.predictor.grpc_faults import Metadata, end

Messages = Iterator[bytes]
AT_ONCE = 1.0
"""Seconds after which a message has not come together with its call."""


class Told(Exception):  # noqa: N818
    """A call that was ended while its message was waited for.

    Attributes:
        fault: what its client was told.
    """

    def __init__(self, fault: ClientFault) -> None:
        self.fault = fault
        super().__init__(fault.message)


class Receiving:
    """Receives the one message of each call."""

    def __init__(self, bodies: Bodies, places: int, about: Metadata) -> None:
        """Set up.

        Args:
            bodies: counts what is held of messages that are not answered yet.
            places: messages that may be waited for after they have not come at once.
            about: trailing metadata of every refusal.
        """
        self._bodies = bodies
        self._places = places
        self._about = about
        self._waiting: dict[Any, float] = {}
        """Since when calls wait for their message, in the order in which they came."""
        self._told: dict[Any, ClientFault] = {}
        """What calls were told that waited for too long."""

    @contextmanager
    def message(self, messages: Messages, context: Any) -> Iterator[bytes]:
        """Hold the message of a call, in the call's own thread.

        Raises:
            ClientFault: it is too large, there is no room for it now, or there is none.
            Told: it did not come in time.
            CancelledError: nobody waits for an answer any more.
        """
        content = self._receive(messages, context)
        self._bodies.take(len(content))
        try:
            yield content
        finally:
            self._bodies.give_back(len(content))

    def sweep(self, patience: float) -> None:
        """End the calls whose message was waited for too long; called again and again.

        Args:
            patience: seconds in which a message has to come that has a place.
        """
        now = time.monotonic()
        waits = [(now - since, context) for context, since in list(self._waiting.items())]
        slow = [(wait, context) for wait, context in waits if wait > AT_ONCE]
        for place, (wait, context) in enumerate(slow):
            if wait > patience:
                self._end(context, ClientFault(408, "the message did not come in time"))
            elif place >= self._places:
                self._end(context, overloaded("there is no room for another message"))

    def _receive(self, messages: Messages, context: Any) -> bytes:
        content = None
        began = self._waiting[context] = time.monotonic()
        try:
            with suppress(grpc.RpcError):  # the call has ended
                content = next(messages, None)
        finally:
            waited = self._waiting.pop(context, None) is not None
        if not waited:
            raise Told(self._told.pop(context))
        if content is None:
            raise _why_none(context, time.monotonic() - began, self._bodies)
        return content

    def _end(self, context: Any, fault: ClientFault) -> None:
        self._told[context] = fault
        if self._waiting.pop(context, None) is None:
            del self._told[context]  # the message has come meanwhile
        else:
            end(context, fault, self._about)


def _why_none(context: Any, wait: float, bodies: Bodies) -> Exception:
    """Return why a call has no message.

    gRPC itself ends a call whose message is far too large, as soon as that says its size, and does
    not tell us why: it looks like a call whose client left. But clients rarely leave that early.
    """
    ended = Event()
    if context.add_callback(ended.set) and not ended.wait(AT_ONCE):
        return bad_input("a call brings one message", "")
    if wait > AT_ONCE or not context.time_remaining():
        return CancelledError()
    return bodies.too_large()
