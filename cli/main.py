"""The `millrace` command: its subcommands, each imported only when it is called."""

from __future__ import annotations

import io
import json as json_
import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from cli import pr
from cli.completion import runs_and_workloads, workload_names, workloads_and_folders
from cli.interrupt import Interrupted, raise_when_interrupted
from cli.options import JsonOption
from millrace.errors import MillraceError

app = typer.Typer(
    name="millrace",
    help="Retrain, judge, release and serve models that a workload declares.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)

DECLARE, RUN, RELEASE, SERVE = (
    "Declare a workload",
    "Run the pipeline",
    "Release",
    "Serve on this machine",
)
"""The parts of `millrace --help`."""

app.add_typer(pr.app, name="pr", rich_help_panel=RELEASE)

WorkloadArgument = Annotated[
    str,
    typer.Argument(
        help="Folder of the workload, or its name under workloads/.",
        autocompletion=workloads_and_folders,
    ),
]
RunArgument = Annotated[
    str,
    typer.Argument(
        help="A run, or a workload (its newest run).", autocompletion=runs_and_workloads
    ),
]


@app.command(rich_help_panel=DECLARE)
def init(
    name: Annotated[str, typer.Argument(help="Name of the new workload.")],
    folder: Annotated[Path | None, typer.Option(help="Folder; by default workloads/NAME.")] = None,
    json: JsonOption = False,
) -> None:
    """Write a new workload that runs as it is."""
    from cli.commands.init import init

    init(name, folder, as_json=json)


@app.command(rich_help_panel=DECLARE)
def check(
    workload: WorkloadArgument,
    json: JsonOption = False,
) -> None:
    """Check a workload's declaration and code, without running it."""
    from cli.commands.check import check

    check(workload, as_json=json)


@app.command(rich_help_panel=RUN)
def run(
    workload: WorkloadArgument,
    as_of: Annotated[str, typer.Option(help="Read the source as of this time, ISO 8601.")] = "",
    window: Annotated[str, typer.Option(help="Only events of START..END, ISO 8601.")] = "",
    champion: Annotated[
        str,
        typer.Option(help="`auto` (the registry's), `none`, or (the start of) a bundle's digest."),
    ] = "auto",
    signal: Annotated[
        Literal["manual", "schedule", "drift", "performance"],
        typer.Option(help="What asks for this run."),
    ] = "manual",
    backtest: Annotated[
        str | None,
        typer.Option(metavar="FROM..TO", help="Replay the loop over this time instead, ISO 8601."),
    ] = None,
    every: Annotated[
        str | None,
        typer.Option(help="With --backtest: time from one model to the next; by default 7d."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Run the compiled retraining pipeline on this machine, or replay it over history."""
    from cli.request import Request, check_goes_with_backtest

    request = Request(workload, as_of, window, champion, signal)
    if backtest is not None:
        from cli.commands.backtest import backtest as replay

        request.check_replayable()
        replay(workload, backtest, "7d" if every is None else every, as_json=json)
        return
    from cli.commands.run import run

    check_goes_with_backtest("--every", every)
    run(request, as_json=json)


@app.command(rich_help_panel=RUN)
def materialize(
    workload: WorkloadArgument,
    as_of: Annotated[str, typer.Option(help="Read the source as of this time, ISO 8601.")] = "",
    json: JsonOption = False,
) -> None:
    """Bring features online as they stand now, without training."""
    from cli.commands.materialize import materialize

    materialize(workload, as_of, as_json=json)


@app.command(name="compile", rich_help_panel=RUN)
def compile_(
    output: Annotated[
        Path | None, typer.Option(help="Folder to write to; by default pipelines/compiled.")
    ] = None,
    registry: Annotated[str, typer.Option(help="Registry and project of the images.")] = "millrace",
    tag: Annotated[str, typer.Option(help="Tag of the images.")] = "0.1.0",
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail if a file is out of date.")
    ] = False,
) -> None:
    """Write the pipelines' IR YAML, which KFP runs."""
    from cli.commands.compile import compile_

    compile_(output, registry, tag, check=check)


@app.command(rich_help_panel=DECLARE)
def schema(
    write: Annotated[
        bool, typer.Option("--write", help="Write it to its place in the project.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail if the file is out of date.")
    ] = False,
) -> None:
    """Print the JSON Schema of workload.yaml, which editors complete by."""
    from cli.commands.schema import schema

    schema(write=write, check=check)


@app.command(rich_help_panel=RUN)
def candidates(
    workload: Annotated[
        str | None,
        typer.Argument(help="Name of a workload; by default all.", autocompletion=workload_names),
    ] = None,
    json: JsonOption = False,
) -> None:
    """List the registered candidates, newest first."""
    from cli.commands.candidates import candidates

    candidates(workload, as_json=json)


@app.command(rich_help_panel=RUN)
def show(
    what: Annotated[
        str,
        typer.Argument(
            help="A run, a workload (its newest run), or a bundle's digest.",
            autocompletion=runs_and_workloads,
        ),
    ],
    json: JsonOption = False,
) -> None:
    """Show a run or a bundle: verdict, gates, metrics, lineage."""
    from cli.commands.show import show

    show(what, as_json=json)


@app.command(rich_help_panel=RUN)
def report(
    what: RunArgument,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Copy the report to this file.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Say where a run's HTML report is, or copy it."""
    from cli.commands.report import report

    report(what, output, as_json=json)


@app.command(rich_help_panel=RELEASE)
def rollback(
    workload: Annotated[
        str, typer.Argument(help="Name of a workload.", autocompletion=workload_names)
    ],
    to: Annotated[
        str,
        typer.Option(help="Version, or (the start of) a bundle's digest; by default the last."),
    ] = "",
    reason: Annotated[str, typer.Option(help="Why, for whoever reads it.")] = "",
    json: JsonOption = False,
) -> None:
    """Propose to take a canary off trial, or to let a kept bundle serve again."""
    from cli.commands.rollback import rollback

    rollback(workload, to, reason, as_json=json)


@app.command(rich_help_panel=SERVE)
def status(
    workload: Annotated[
        str,
        typer.Argument(
            help="Name of a workload; by default all.",
            show_default=False,
            autocompletion=workload_names,
        ),
    ] = "",
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Go on showing it until Ctrl-C.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Show what serves: arms, weights, traffic, the canary's verdict, open pull requests."""
    from cli.commands.status import status

    status(workload, watch=watch, as_json=json)


@app.command(rich_help_panel=SERVE)
def up(
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Come back once arms answer; end it with `down`.")
    ] = False,
    port: Annotated[
        int | None,
        typer.Option(
            min=1, max=65535, help="Port of the gateway; by default MILLRACE_GATEWAY_PORT, 8080."
        ),
    ] = None,
) -> None:
    """Run on this machine what the deploy repository says: arms behind a gateway."""
    from cli.commands.up import up

    up(port, detach=detach)


@app.command(rich_help_panel=SERVE)
def down() -> None:
    """End the platform that runs in this home."""
    from cli.commands.down import down

    down()


@app.command(rich_help_panel=SERVE)
def traffic(
    workload: WorkloadArgument,
    rate: Annotated[float, typer.Option(help="Requests a second, on average.")] = 50.0,
    duration: Annotated[
        str, typer.Option("--for", help="How long, such as 30s, 10m or 1h.")
    ] = "60s",
    batch: Annotated[int, typer.Option(help="Rows of a batch.")] = 50,
    batch_share: Annotated[float, typer.Option(help="Share of requests that are batches.")] = 0.0,
    grpc_share: Annotated[float, typer.Option(help="Share of requests over gRPC.")] = 0.2,
    url: Annotated[
        str, typer.Option(help="Where to send; by default the gateway of `millrace up`.")
    ] = "",
    json: JsonOption = False,
) -> None:
    """Send requests of simulated users to what serves a workload, and say what became of them."""
    from cli.commands.traffic import traffic
    from serving.traffic.mix import Mix
    from serving.traffic.open_loop import Plan, seconds_of

    mix = Mix(grpc=grpc_share, batch=batch_share, rows=batch)
    traffic(workload, Plan(rate, seconds_of(duration)), mix, url, as_json=json)


@app.command(rich_help_panel=SERVE)
def skew(
    workload: WorkloadArgument,
    events: Annotated[
        Path | None,
        typer.Option(help="File or folder of events; by default what `millrace up` kept."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Compare features that were served with the offline store; fail if any differ."""
    from cli.commands.skew import skew

    skew(workload, events, as_json=json)


def main() -> None:
    """Run the command; every fault ends in one line and a code that is not zero."""
    raise_when_interrupted()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without our marks stops no run
    try:
        app(standalone_mode=True)
    except MillraceError as error:
        if "--json" in sys.argv:
            sys.stdout.write(json_.dumps({"error": error.as_dict()}) + "\n")
        sys.stderr.write(f"millrace: {error}\n")
        sys.exit(1)
    except Interrupted:
        sys.stderr.write("millrace: interrupted; what was done before is kept, so run again\n")
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
