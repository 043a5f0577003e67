"""How requests ended, as the gateway counts them, and what that adds to the counters of an arm.

A request is an error of the arm if the answer says that the server failed (5xx; gRPC statuses that
OpenTelemetry counts as the server's), if there was none, or if the arm failed a try and a later one
succeeded: a retry hides a fault from the client, not from the analysis. A client that gives up
within the objective is nobody's fault and counts nothing; one that gives up later, or after a
failed try, counts as an error.
"""

from __future__ import annotations

from dataclasses import dataclass

SERVER_FAULTS = {2, 4, 12, 13, 14, 15}
"""gRPC: UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS."""
BOUNDS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000, 2000, 5000)
"""Milliseconds below which answers are counted."""

_GAVE_UP = {"DC", "DR"}
"""Envoy's flags of a request whose client went away."""
_NO_ANSWER = {"UC", "UF", "UH", "UO", "UR", "UT", "UPE", "URX", "LR", "NC"}
"""Envoy's flags of a request that the arm did not answer, or not to the end."""


@dataclass(frozen=True)
class Outcome:
    """How some requests of an arm ended."""

    error: bool
    gave_up: bool
    """Their clients went away, though the arm had failed no try."""

    def counted(self, fast: float, slow: float) -> dict[str, float]:
        """Return what requests that ended so add to `requests`, `errors` and `fast`.

        Args:
            fast: how many took less than the objective.
            slow: how many took the objective or longer.
        """
        fast = 0.0 if self.gave_up else fast
        requests = fast + slow
        return {"requests": requests, "errors": requests * self.error, "fast": fast}


def outcome_of(code: str, grpc: str, attempts: str, flags: str) -> Outcome:
    """Return how requests ended, from what Envoy tells of them.

    Args:
        code: HTTP status; empty or 0 if there was no answer.
        grpc: gRPC status as a number; empty or `-` if it was no gRPC.
        attempts: tries of the gateway, in all.
        flags: Envoy's response flags, separated by commas.
    """
    told = set(flags.split(","))
    failed_before = _number(attempts) > 1
    gave_up = bool(told & _GAVE_UP) and not failed_before
    failed = (
        _number(code) >= 500
        or (grpc.isdecimal() and int(grpc) in SERVER_FAULTS)
        or bool(told & _NO_ANSWER)
    )
    return Outcome(failed or failed_before or gave_up, gave_up)


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0
