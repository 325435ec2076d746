"""`rapidity evaluate`."""

from typing import Annotated

import typer

from rapidity.cli.options import Json, Quiet, RunFolder
from rapidity.cli.outcome import print_json


def evaluate(
    run: RunFolder,
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data",
            metavar="[CLASS=]FILE[:TABLE][+FILE]",
            help="Other events (CLASS= where sources give classes; +FILE joins labels); may be repeated.",
            show_default=False,
        ),
    ] = None,
    *,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Give the numbers of a run.

    On the test split of the run, or with --data on other events whose class is known.
    """
    from rapidity.core.progress import make_progress
    from rapidity.workflow import evaluate_run
    from rapidity.workflow.run import summarise_metrics

    metrics = evaluate_run(run, data or (), progress=make_progress(quiet=quiet))
    if as_json:
        print_json(metrics)
    else:
        typer.echo("\n".join([f"Run {run}", *summarise_metrics(metrics)]))
