"""Show what serves, for people; readable on a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterator

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from cli.status.evidence import evidence_table
from cli.status.facts import ArmFacts, Facts, WorkloadFacts
from cli.status.figures import age, bound, rate, share

PHASES = {"ready": "green", "starting": "yellow", "draining": "dim", "failed": "bold red"}
VERDICTS = {"advance": "green", "promote": "green", "roll back": "bold red", "hold": "cyan"}
_WIDE = 100
"""Columns from which on the bundles' digests are shown too."""


def shown(facts: Facts, width: int = _WIDE) -> RenderableType:
    """Return the status as something to print.

    Args:
        facts: what is known.
        width: columns of the terminal.
    """
    return Group(*_parts(facts, wide=width >= _WIDE))


def outdated(facts: Facts, fault: str, now: float, width: int = _WIDE) -> RenderableType:
    """Return the last status that is known, below the fault that keeps a newer one away.

    Args:
        facts: what was known.
        fault: what is wrong, in one line.
        now: Unix time, seconds.
        width: columns of the terminal.
    """
    since = f"[yellow]What follows was so {age(now - facts.now)} ago.[/]"
    return Group(
        Text.from_markup(f"[red]✗ {escape(fault)}[/]"), Text.from_markup(since), shown(facts, width)
    )


def _parts(facts: Facts, *, wide: bool) -> Iterator[RenderableType]:
    yield _platform(facts)
    for problem in facts.problems:
        yield Text.from_markup(f"[red]✗ {escape(problem)}[/]")
    if not facts.workloads:
        yield Text("\nNothing is released yet: `millrace run WORKLOAD` proposes a first release.")
    for workload in facts.workloads:
        yield Text("")
        yield from _workload(workload, facts.now, wide=wide)


def _platform(facts: Facts) -> Text:
    if not facts.running:
        return Text.from_markup("[yellow]No platform runs here[/]: `millrace up` starts one.")
    state = "" if facts.applied == facts.commit else " [yellow](not in force yet)[/]"
    return Text.from_markup(
        f"Platform: up for {age(facts.now - facts.started)}, "
        f"port {facts.gateway.rpartition(':')[2]}, commit {facts.commit[:10]}{state}"
    )


def _workload(workload: WorkloadFacts, now: float, *, wide: bool) -> Iterator[RenderableType]:
    name = f"[bold]{escape(workload.name)}[/]"
    yield Text.from_markup(f"{name}  [dim]{escape(workload.address)}[/]")
    if workload.problem:
        yield _line(f"[red]✗ {escape(workload.problem)}[/]")
    if workload.arms:
        yield _arms(workload.arms, wide=wide)
    for note in _notes(workload):
        yield _line(note)
    if workload.phase not in ("", "stable"):
        yield from (_line(told) for told in _rollout(workload, now))
    if workload.judgement is not None and workload.phase == "progressing":
        yield evidence_table(workload.judgement)
    for pull in workload.pull_requests:
        draft = " [dim](draft)[/]" if pull.draft else ""
        where = escape(pull.url or f"millrace pr show {pull.number}")
        yield _line(
            f"pull request [bold]#{pull.number}[/]{draft}: {escape(pull.title)}  [dim]{where}[/]"
        )


def _line(markup: str) -> Padding:
    """Return a line that keeps its indent where it is folded."""
    return Padding(Text.from_markup(markup), (0, 0, 0, 2), expand=False)


def _arms(arms: list[ArmFacts], *, wide: bool) -> Table:
    table = Table(box=SIMPLE_HEAD, collapse_padding=True, pad_edge=False)
    table.add_column("arm", overflow="fold")
    for column in ("role", "state", *(["bundle"] if wide else [])):
        table.add_column(column, no_wrap=True)
    for column in ("weight", "req/s", "errors", "slow", "p50", "p99"):
        table.add_column(column, justify="right", no_wrap=True)
    for arm in arms:
        table.add_row(
            escape(arm.name),
            arm.role,
            _state(arm),
            *([arm.digest[:12]] if wide else []),
            _weight(arm),
            *_traffic(arm),
        )
    return table


def _traffic(arm: ArmFacts) -> list[str]:
    traffic = arm.traffic
    if traffic is None:
        return [""] * 5
    return [
        rate(traffic.requests_per_second),
        share(traffic.errors),
        share(traffic.slow),
        bound(traffic.p50),
        bound(traffic.p99),
    ]


def _state(arm: ArmFacts) -> str:
    told = f"[{PHASES.get(arm.phase, 'dim')}]{arm.phase}[/]"
    return told + (f" {arm.ready}/{arm.replicas}" if arm.replicas > 1 else "")


def _weight(arm: ArmFacts) -> str:
    if arm.weight is None or arm.weight == arm.declared:
        return f"{arm.declared} %"
    return f"{arm.weight} [yellow]→ {arm.declared} %[/]"


def _notes(workload: WorkloadFacts) -> Iterator[str]:
    """Say what is not as it should be, the reasons below the table that they would tear apart."""
    for arm in workload.arms:
        if arm.reason and arm.phase != "ready":
            yield f"[yellow]{escape(arm.name)}[/] {escape(arm.phase)}: {escape(arm.reason)}"
        if arm.restarts:
            times = "once" if arm.restarts == 1 else f"{arm.restarts} times"
            yield f"[yellow]{escape(arm.name)}[/] was started again {times}"
    if workload.waits_for:
        yield f"[yellow]the split waits:[/] {escape(workload.waits_for)}"


def _rollout(workload: WorkloadFacts, now: float) -> Iterator[str]:
    steps = ""
    if workload.phase == "progressing":
        marked = " → ".join(
            f"[bold cyan]{step}[/]" if number == workload.step else f"[dim]{step}[/]"
            for number, step in enumerate(workload.steps)
        )
        steps = f" step {workload.step + 1} of {len(workload.steps)} ({marked})"
    yield f"[bold]{workload.phase}[/]{steps} for {age(now - workload.since)}"
    verdict = ""
    if workload.verdict and workload.phase == "progressing":
        verdict = f"[{VERDICTS.get(workload.verdict, 'yellow')}]{workload.verdict}[/]: "
    if workload.reason:
        yield verdict + escape(workload.reason)
