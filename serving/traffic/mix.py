"""What share of requests is of which kind, and requests drawn in these shares."""

from __future__ import annotations

import random
from dataclasses import dataclass, fields
from typing import Literal

from millrace.errors import ServingError
from serving.traffic.encoding import Row, grpc_message, post, v1_body, v2_body
from serving.traffic.rows import Rows
from serving.traffic.target import Target

Protocol = Literal["v2", "v1", "grpc"]


@dataclass(frozen=True)
class Mix:
    """Shares of requests, each from 0 to 1.

    Attributes:
        grpc: over gRPC; the rest goes over REST.
        v1: of the requests over REST, those in the v1 protocol; the rest is v2.
        keys: with entity keys; the rest brings features.
        unknown: of the rows with entity keys, those that the online store does not know.
        batch: with `rows` rows; the rest has one.
        rows: rows of a batch.
    """

    grpc: float = 0.2
    v1: float = 0.1
    keys: float = 0.7
    unknown: float = 0.01
    batch: float = 0.0
    rows: int = 1

    def check(self) -> None:
        """Say what cannot be.

        Raises:
            ServingError: a share is none, or a batch has no rows.
        """
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name != "rows" and not 0 <= value <= 1:
                raise ServingError(
                    "is no share",
                    where=f"--{field.name}-share",
                    found=f"{value:g}",
                    expected="a number from 0 to 1",
                )
        if self.rows < 1:
            raise ServingError(
                "is no number of rows", where="--batch", found=str(self.rows), expected="1 or more"
            )


@dataclass(frozen=True)
class Request:
    """An encoded request.

    Attributes:
        protocol: how it is sent.
        content: a whole HTTP request, or a serialized message.
        rows: how many rows it asks for.
    """

    protocol: Protocol
    content: bytes
    rows: int


def draw(mix: Mix, rows: Rows, target: Target, model: str, dice: random.Random) -> Request:
    """Return one request, drawn at random."""
    count = mix.rows if dice.random() < mix.batch else 1
    if rows.entities and dice.random() < mix.keys:
        asked = [_entity(mix, rows, dice) for _ in range(count)]
    else:
        asked = [dice.choice(rows.features) for _ in range(count)]
    if dice.random() < mix.grpc:
        return Request("grpc", grpc_message(model, asked, rows.types), count)
    if dice.random() < mix.v1:
        path, body = f"/v1/models/{model}:predict", v1_body(asked)
        return Request("v1", post(target.host, target.prefix + path, body), count)
    path, body = f"/v2/models/{model}/infer", v2_body(asked, rows.types)
    return Request("v2", post(target.host, target.prefix + path, body), count)


def _entity(mix: Mix, rows: Rows, dice: random.Random) -> Row:
    return rows.stranger(dice) if dice.random() < mix.unknown else rows.entity(dice)
