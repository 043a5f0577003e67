"""Show what serves, for people."""

from __future__ import annotations

from collections.abc import Iterator

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from cli.status.facts import ArmFacts, Facts, WorkloadFacts
from millrace.analysis import IndicatorEvidence, Judgement

PHASES = {"ready": "green", "starting": "yellow", "draining": "dim", "failed": "bold red"}
VERDICTS = {"advance": "green", "promote": "green", "roll back": "bold red", "hold": "cyan"}
FINDINGS = {"worse": "bold red", "no worse": "green", "no data": "yellow"}


def shown(facts: Facts) -> RenderableType:
    """Return the status as something to print."""
    return Group(*_parts(facts))


def _parts(facts: Facts) -> Iterator[RenderableType]:
    yield _platform(facts)
    for problem in facts.problems:
        yield Text.from_markup(f"[red]✗ {escape(problem)}[/]")
    if not facts.workloads:
        yield Text("\nNothing is released yet: `millrace run WORKLOAD` proposes a first release.")
    for workload in facts.workloads:
        yield Text("")
        yield from _workload(workload, facts.now)


def _platform(facts: Facts) -> Text:
    if not facts.running:
        return Text.from_markup("[yellow]No platform runs here[/]: `millrace up` starts one.")
    state = "" if facts.applied == facts.commit else ", [yellow]behind Git[/]"
    return Text.from_markup(
        f"Platform: process {facts.pid}, up for {_age(facts.now - facts.started)}, "
        f"gateway {escape(facts.gateway)}, commit {facts.commit[:10]}{state}"
    )


def _workload(workload: WorkloadFacts, now: float) -> Iterator[RenderableType]:
    name = f"[bold]{escape(workload.name)}[/]"
    yield Text.from_markup(f"{name}  [dim]{escape(workload.address)}[/]")
    if workload.problem:
        yield Text.from_markup(f"  [red]✗ {escape(workload.problem)}[/]")
    if workload.arms:
        yield _arms(workload.arms)
    if workload.waits_for:
        yield Text.from_markup(f"  [yellow]waits for[/] {escape(workload.waits_for)}")
    if workload.phase not in ("", "stable"):
        yield Text.from_markup("  " + _rollout(workload, now))
    if workload.judgement is not None and workload.phase == "progressing":
        yield _judgement(workload.judgement)
    for pull in workload.pull_requests:
        draft = " [dim](draft)[/]" if pull.draft else ""
        yield Text.from_markup(
            f"  pull request [bold]#{pull.number}[/]{draft}: {escape(pull.title)}  "
            f"[dim]{escape(pull.url or f'millrace pr show {pull.number}')}[/]"
        )


def _arms(arms: list[ArmFacts]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=True)
    for column in ("arm", "role", "state", "bundle"):
        table.add_column(column, overflow="fold")
    for column in ("weight", "requests/s", "errors", "slow", "p50", "p99"):
        table.add_column(column, justify="right")
    for arm in arms:
        traffic = arm.traffic
        table.add_row(
            escape(arm.name),
            arm.role,
            _state(arm),
            arm.digest[:12],
            _weight(arm),
            f"{traffic.requests_per_second:.1f}" if traffic else "",
            _share(traffic.errors) if traffic else "",
            _share(traffic.slow) if traffic else "",
            _milliseconds(traffic.p50) if traffic else "",
            _milliseconds(traffic.p99) if traffic else "",
        )
    return table


def _state(arm: ArmFacts) -> str:
    told = f"[{PHASES.get(arm.phase, 'dim')}]{arm.phase}[/]"
    if arm.replicas > 1:
        told += f" {arm.ready}/{arm.replicas}"
    if arm.restarts:
        told += f", {arm.restarts} restarts"
    return told + (f": {escape(arm.reason)}" if arm.reason and arm.phase != "ready" else "")


def _weight(arm: ArmFacts) -> str:
    if arm.weight is None or arm.weight == arm.declared:
        return f"{arm.declared} %"
    return f"{arm.weight} % [yellow]→ {arm.declared} %[/]"


def _rollout(workload: WorkloadFacts, now: float) -> str:
    steps = " → ".join(
        f"[bold cyan]{step}[/]" if number == workload.step else f"[dim]{step}[/]"
        for number, step in enumerate(workload.steps)
    )
    verdict = f" [{VERDICTS.get(workload.verdict, 'yellow')}]{workload.verdict}[/]"
    age = _age(now - workload.since)
    return f"{workload.phase} {steps} for {age};{verdict} {escape(workload.reason)}"


def _judgement(judgement: Judgement) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=True)
    table.add_column("indicator")
    for column in ("stable", "canary", "worse", "no worse", "promotion"):
        table.add_column(column, justify="right")
    table.add_column("finding")
    for one in judgement.indicators:
        table.add_row(
            one.indicator,
            _rate(one.stable_bad, one.stable_events),
            _rate(one.canary_bad, one.canary_events),
            *_evidence(one),
            f"[{FINDINGS.get(one.finding, 'cyan')}]{one.finding}[/]",
        )
    table.caption = "evidence: the e-value so far of what rejects, on a scale of powers of ten"
    table.caption_justify = "left"
    return table


def _evidence(one: IndicatorEvidence) -> list[str]:
    needed = one.needed
    return [
        f"{value:.1f}/{needed:.1f}"
        for value in (one.evidence_worse, one.evidence_no_worse, one.evidence_promotion)
    ]


def _rate(bad: int, events: int) -> str:
    return f"{_share(bad / events)} of {events:,}" if events else "none"


def _share(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.2g} %"


def _milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else f"≤ {1000 * seconds:.3g} ms"


def _age(seconds: float) -> str:
    minutes, left = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {left} s" if minutes else f"{left} s"
