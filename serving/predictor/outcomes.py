"""What became of inference requests: counted and logged in one place, whatever the protocol."""

from __future__ import annotations

import time

from serving.predictor.faults import ClientFault
from serving.predictor.logs import Log, Seldom
from serving.predictor.metrics import Metrics

_LOGGED = (408, 413, 503)
"""Statuses of requests that there was no room or no time for: bounds may need to be others."""


class Outcomes:
    """Hears of every answer and every refusal; any thread may tell."""

    def __init__(self, metrics: Metrics, log: Log, *, access: bool) -> None:
        """Set up.

        Args:
            metrics: where requests are counted.
            log: the process's log.
            access: whether each answer is a line of the log.
        """
        self._metrics = metrics
        self._log = log
        self._access = access
        self._refused = Seldom(log, "refused")

    def answered(self, protocol: str, status: int, start: float, request_id: str) -> None:
        """Count an inference request that was answered, refusals among them.

        Args:
            protocol: `v1`, `v2` or `grpc`.
            status: HTTP status, or the one that gRPC's code stands for.
            start: when its body began to arrive, by `time.perf_counter`.
            request_id: its id.
        """
        seconds = time.perf_counter() - start
        self._metrics.request(protocol, status, seconds, request_id)
        if self._access:
            self._log.debug(
                "answered",
                request_id=request_id,
                protocol=protocol,
                status=status,
                seconds=seconds,
            )

    def fault(self, error: Exception, request_id: str) -> ClientFault:
        """Return what a client hears of a request that failed, and log what it cannot mend."""
        if not isinstance(error, ClientFault):
            self._log.error("failed", request_id=request_id, exc_info=error)
            return ClientFault(500, "the model failed on this request")
        if error.status in _LOGGED:
            self._refused.say(request_id=request_id, reason=error.message)
        return error
