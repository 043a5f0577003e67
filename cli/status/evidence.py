"""Show what the analysis makes of a canary: a line an indicator."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.table import Table

from cli.status.figures import count, share
from millrace.analysis import IndicatorEvidence, Judgement

_FINDINGS = {"worse": "bold red", "no worse": "green", "no data": "yellow"}
_MANY = 1_000_000.0


def evidence_table(judgement: Judgement) -> Table:
    """Return both arms' shares of bad events and how strong the evidence is."""
    table = Table(box=SIMPLE_HEAD, collapse_padding=True, pad_edge=False)
    table.add_column("indicator")
    for column in ("stable", "canary", "worse", "no worse", "promote"):
        table.add_column(column, justify="right")
    table.add_column("finding")
    for one in judgement.indicators:
        table.add_row(
            one.indicator,
            _rate(one.stable_bad, one.stable_events),
            _rate(one.canary_bad, one.canary_events),
            *_evidence(one),
            f"[{_FINDINGS.get(one.finding, 'cyan')}]{one.finding}[/]",
        )
    needed = " or ".join(
        f"{10**one:,.0f}" for one in sorted({e.needed for e in judgement.indicators})
    )
    table.caption = f"evidence for each is told as odds to 1; {needed} is enough"
    table.caption_justify = "left"
    return table


def _evidence(one: IndicatorEvidence) -> list[str]:
    """Return the odds; scores are asked one question only."""
    if one.indicator == "scores":
        return [_odds(one.evidence_worse), "", ""]
    return [
        _odds(one.evidence_worse),
        _odds(one.evidence_no_worse),
        _odds(one.evidence_promotion),
    ]


def _odds(log10: float) -> str:
    """Return an e-value as odds to 1, with the figures that matter."""
    if log10 < 0:
        return "< 1"
    value: float = 10**log10
    if value >= _MANY:
        return "> 1M"
    return f"{value:.2g}" if value < 10 else f"{value:,.0f}"


def _rate(bad: int, events: int) -> str:
    return f"{share(bad / events)} of {count(events)}" if events else "none"
