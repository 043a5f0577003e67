"""Where to bet before an interval is seen: a few points and stakes, from what was seen before.

Whatever is chosen here, the e-values are valid; a good choice makes them grow. A bet is one on an
alternative: arm a's rate t_a, and a distance of t_b - t_a from the line by an effect. Arm a's rate
is foretold from its earlier intervals, the effect is unknown, so both are tried on a small ladder.
The first bet of a ladder stakes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from millrace.analysis.bet import Numbers, largest_stake

Side = Literal["worse", "no worse"]

MEMORY = 0.95
"""What an interval counts for, one interval later, when a rate is foretold."""
_PRIOR_BAD, _PRIOR_EVENTS = 0.5, 100.0
"""What is expected before anything is seen, as if it had been seen."""
_RATES = (0.2, 1.0, 3.0)
"""Multiples of the foretold rate: a rate may jump."""
_WORSE = (0.0005, 0.0015, 0.005, 0.015, 0.05, 0.15, 0.45)
"""Effects when worse is shown: excess of bad events beyond the line."""
_NO_WORSE = (1.0, 0.4, 0.15)
"""Effects when no worse is shown: parts of the way from the line back to equal arms."""
_ROUNDS = 2
_FULL = 1 - 1e-9
"""A line from which nothing is staked: what is left beyond it is lost in rounding."""
_TINY = 1e-300


@dataclass(frozen=True)
class Bets:
    """Points of the line and stakes; the last axis is the ladder."""

    p_a: Numbers
    p_b: Numbers
    stake: Numbers


def foretell(events: Numbers, bad: Numbers) -> Numbers:
    """Return the rate that the intervals before each one let expect.

    Args:
        events: of an arm, time on the first axis.
        bad: bad ones of them.
    """
    expected = np.empty(events.shape)
    n, k = np.zeros(events.shape[1:]), np.zeros(events.shape[1:])
    for t in range(len(events)):
        expected[t] = (k + _PRIOR_BAD) / (n + _PRIOR_EVENTS)
        n = MEMORY * n + events[t]
        k = MEMORY * k + bad[t]
    return expected


def ladder(rate: Numbers, n_a: Numbers, n_b: Numbers, d: Numbers, side: Side) -> Bets:
    """Return the bets on one side of the line q_b - q_a = d.

    Args:
        rate: foretold rate of arm a, any shape.
        n_a: events of arm a in the interval; the bets may know them, not which were bad.
        n_b: events of arm b in the interval.
        d: the line's excess, 0 to 1; at 1 and above nothing can be worse, and nothing is staked.
        side: what a bet is on.
    """
    n_a, n_b = (np.maximum(n, 1.0)[..., None] for n in (n_a, n_b))
    line = np.minimum(d, 1.0)[..., None]
    rates = np.minimum(rate[..., None] * np.repeat(_RATES, len(_effects(side))), 0.99)
    effect = np.tile(_effects(side), len(_RATES))
    if side == "no worse":
        effect = -effect * line
    rates, effect = _with_nothing(rates), _with_nothing(np.broadcast_to(effect, rates.shape))
    p_a = _point(rates, effect, n_a, n_b, line)
    p_b = np.minimum(p_a + line, 1)
    down, up = largest_stake(n_a, n_b, p_a, p_b)
    variance = p_a * (1 - p_a) / n_a + p_b * (1 - p_b) / n_b
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        stake = np.where((effect == 0) | (line >= _FULL), 0.0, effect / variance)
    return Bets(p_a, p_b, np.clip(stake, down, up))


def _effects(side: Side) -> tuple[float, ...]:
    return _WORSE if side == "worse" else _NO_WORSE


def _with_nothing(values: Numbers) -> Numbers:
    return np.concatenate([np.zeros((*values.shape[:-1], 1)), values], axis=-1)


def _point(t_a: Numbers, effect: Numbers, n_a: Numbers, n_b: Numbers, line: Numbers) -> Numbers:
    """Return about that p_a whose bet of this effect means t_a; near is good enough.

    It solves p_a = t_a + effect * share, where share is arm a's part of the difference's variance.
    Effects below 0 are solved in ratios, which stay positive. All effects are on one side.
    """
    top, ratio = 1 - line, n_a / n_b
    rising = bool((effect > 0).any())
    p = np.minimum(t_a + effect / 2 if rising else t_a, top)
    for _ in range(_ROUNDS):
        v_a, v_b = p * (1 - p), (p + line) * (top - p) * ratio
        shift = effect * (v_a / np.maximum(v_a + v_b, _TINY))
        nearer = (p + t_a + shift) / 2 if rising else p * t_a / np.maximum(p - shift, _TINY)
        p = np.minimum(nearer, top)
    return np.asarray(np.maximum(p, 0))
