"""`rapidity init`."""

from pathlib import Path
from typing import Annotated

import typer

from rapidity.cli.options import Overwrite, Quiet


def init(
    files: Annotated[
        list[str], typer.Argument(metavar="FILES...", help="Event files or globs, in any readable format.")
    ],
    target: Annotated[
        str | None,
        typer.Option(
            "--target",
            help="Column with the class. [default: one named so, else a class a file, else flags]",
            show_default=False,
        ),
    ] = None,
    table: Annotated[
        str | None,
        typer.Option("--table", help="Tree or dataset inside. [default: the widest]", show_default=False),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", help="Name of the run. [default: from the files]", show_default=False),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The file to write. [default: NAME.yaml]", show_default=False),
    ] = None,
    *,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Write a starter configuration from data files.

    Inputs, classes, sentinels, weights and keys are filled in from what the files hold, each line explained;
    `rapidity train` runs it as it is.
    """
    from rapidity.core.progress import make_progress
    from rapidity.workflow.starter import make_starter, write_starter

    starter = make_starter(
        files,
        target=target,
        table=table,
        name=name,
        folder=output.parent if output else ".",
        progress=make_progress(quiet=quiet),
    )
    path = output or Path(f"{starter.name}.yaml")
    write_starter(starter, path, overwrite=overwrite)
    typer.echo(f"{path}: look through it, then\n  rapidity check {path}\n  rapidity train {path}")
