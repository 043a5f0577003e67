"""`millrace traffic`: requests of simulated users."""

from __future__ import annotations

import asyncio
import json
import re
import signal
from contextlib import AbstractContextManager
from datetime import timedelta

from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cli.console import console, print_json
from cli.find import workload_folder
from millrace.errors import MillraceError
from millrace.settings import Settings, load_settings
from millrace.storage import open_store
from millrace.workload import load_workload
from serving.traffic.ledger import Quantiles, TrafficReport
from serving.traffic.mix import Mix
from serving.traffic.model import served_model
from serving.traffic.open_loop import Hear, Plan, encode_pool, send_traffic
from serving.traffic.rows import read_rows
from serving.traffic.target import Target, target_of


def traffic(named: str, plan: Plan, mix: Mix, url: str, *, as_json: bool) -> None:
    """Send requests to what serves a workload, tell how it goes, then what became of them.

    Ctrl-C ends the sending early; what was sent is reported all the same.

    Raises:
        MillraceError: a number makes no sense, nobody answers, or the workload is not served.
    """
    import uvloop

    plan.check()
    mix.check()
    settings = load_settings()
    name = _name_of(named)
    target = target_of(url, name, settings)
    with _Progress(plan, quiet=as_json) as progress:
        report = uvloop.run(_traffic(name, plan, mix, target, settings, progress.hear))
    if as_json:
        print_json(json.loads(report.model_dump_json()))
    else:
        console.print(_shown(report))


def _name_of(named: str) -> str:
    """Return the name of a workload that is named by its folder or by itself; it need not be here.

    Raises:
        MillraceError: it is neither.
    """
    folder = workload_folder(named)
    if (folder / "workload.yaml").is_file():
        return load_workload(folder).name
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", named):
        raise MillraceError(
            "there is no such workload",
            where=named,
            expected="its folder, or the name it serves by",
        )
    return named


async def _traffic(
    name: str, plan: Plan, mix: Mix, target: Target, settings: Settings, hear: Hear
) -> TrafficReport:
    model = await served_model(target, name)
    rows = read_rows(open_store(settings), model.digest)
    pool = encode_pool(mix, rows, target, model.name, plan.seed)
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return await send_traffic(plan, pool, target, stop=stop, hear=hear)


class _Progress(AbstractContextManager["_Progress"]):
    """Shows how it goes: a live table on a terminal, else a line now and then."""

    _EVERY = 5
    """Seconds between two lines."""

    def __init__(self, plan: Plan, *, quiet: bool) -> None:
        self._plan = plan
        self._quiet = quiet
        self._live = (
            Live(console=console, auto_refresh=False, transient=True)
            if console.is_terminal and not quiet
            else None
        )
        self._told = 0.0

    def __enter__(self) -> _Progress:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def hear(self, report: TrafficReport) -> None:
        if self._live:
            self._live.update(_shown(report, of=self._plan.seconds), refresh=True)
        elif not self._quiet and report.seconds >= self._told + self._EVERY:
            self._told = report.seconds
            console.print(_line(report))


def _shown(report: TrafficReport, of: float | None = None) -> Group:
    """Return the figures as people read them."""
    table = Table(box=None, pad_edge=False)
    table.add_column("arm")
    for name in ("answers", "share", "errors", "p50 ms", "p95 ms", "p99 ms"):
        table.add_column(name, justify="right")
    answers = sum(report.answered.values())
    for name, arm in report.arms.items():
        label = name if name == "gateway" else f"v{name}"
        share = f"{arm.answered / answers:.1%}"
        table.add_row(label, f"{arm.answered:,}", share, f"{arm.errors:,}", *_figures(arm.latency))
    table.add_row("all", f"{answers:,}", "", f"{report.errors:,}", *_figures(report.latency))
    return Group(Text(_line(report, of)), table, *map(Text, _remarks(report)))


def _line(report: TrafficReport, of: float | None = None) -> str:
    planned = f" of {timedelta(seconds=round(of))}" if of else ""
    answers = sum(report.answered.values())
    codes = ", ".join(
        f"{'HTTP' if code.isdigit() else 'gRPC'} {code}: {count:,}"
        for code, count in report.answered.items()
    )
    answered = f"{answers:,} ({codes})" if answers else "none"
    return (
        f"{timedelta(seconds=round(report.seconds))}{planned}: {report.sent:,} sent to "
        f"{report.url}, answered {answered}, lost {report.lost:,}"
    )


def _remarks(report: TrafficReport) -> list[str]:
    """Return what a reader should know beside the figures."""
    said = [f"lost: {why} {count:,}" for why, count in report.lost_because.items()]
    if report.retried:
        said.append(f"sent again, as the gateway closed a kept connection: {report.retried:,}")
    if report.late:
        said.append(f"sent more than 10 ms late, as this machine was busy: {report.late:,}")
    if report.unsent:
        said.append(f"not sent, as too many had no answer: {report.unsent:,}")
    return said


def _figures(latency: Quantiles) -> list[str]:
    return [
        "" if value is None else f"{value:.1f}" for value in (latency.p50, latency.p95, latency.p99)
    ]
