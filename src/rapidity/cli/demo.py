"""`rapidity demo`."""

from pathlib import Path
from typing import Annotated

import typer

from rapidity.cli.options import Engine, Json, Overwrite, Quiet
from rapidity.cli.outcome import print_json


def demo(
    n_events: Annotated[
        int, typer.Option("--events", min=100, help="Events to generate, both classes together.")
    ] = 40_000,
    engine: Engine = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Folder for the events and the run. [default: demo]", show_default=False
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="Seed of the generator and of the training.")
    ] = 1,
    *,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Do the whole job on generated events.

    Generates a physics sample, trains a network on it, checks and exports it, and writes a report.
    """
    from rapidity.core.progress import make_progress
    from rapidity.workflow import run_demo

    run = run_demo(
        n_events=n_events, engine=engine, output=output, seed=seed, overwrite=overwrite,
        progress=make_progress(quiet=quiet),
    )  # fmt: skip
    if as_json:
        print_json({"folder": run.folder, "metrics": run.metrics})
    else:
        typer.echo(run.summary())
