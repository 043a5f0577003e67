"""`millrace pr`: its subcommands, each imported only when it is called."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from cli.completion import open_pull_requests, workload_names
from cli.options import JsonOption

app = typer.Typer(
    help="List, show, merge, close and repeat pull requests of the deploy repository.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

NumberArgument = Annotated[
    int,
    typer.Argument(
        min=1, help="Number of the pull request.", autocompletion=open_pull_requests, metavar="N"
    ),
]


@app.command(name="list")
def list_(
    workload: Annotated[
        str | None,
        typer.Argument(help="Name of a workload; by default all.", autocompletion=workload_names),
    ] = None,
    state: Annotated[
        Literal["open", "merged", "closed", "all"], typer.Option(help="Which ones.")
    ] = "open",
    json: JsonOption = False,
) -> None:
    """List pull requests, newest first."""
    from cli.commands.pr import list_

    list_(workload, state, as_json=json)


@app.command()
def show(number: NumberArgument, json: JsonOption = False) -> None:
    """Show a pull request: its evidence, and what it changes."""
    from cli.commands.pr import show

    show(number, as_json=json)


@app.command()
def merge(number: NumberArgument, json: JsonOption = False) -> None:
    """Merge a pull request: what it proposes is then made so."""
    from cli.commands.pr import merge

    merge(number, as_json=json)


@app.command()
def close(
    number: NumberArgument,
    comment: Annotated[str, typer.Option(help="Why, for whoever reads it.")] = "",
    json: JsonOption = False,
) -> None:
    """Close a pull request without merging it: nothing changes, and it is not proposed again."""
    from cli.commands.pr import close

    close(number, comment, as_json=json)


@app.command()
def again(
    number: Annotated[
        int, typer.Argument(min=1, help="Number of a settled pull request.", metavar="N")
    ],
    reason: Annotated[str, typer.Option(help="Why, for whoever reads it.")] = "",
    json: JsonOption = False,
) -> None:
    """Propose a candidate once more that was refused or rolled back, for another trial."""
    from cli.commands.again import again

    again(number, reason, as_json=json)
