"""`rapidity probe`."""

from typing import Annotated

import typer

from rapidity.cli.options import Json, Quiet, RunFolder
from rapidity.cli.outcome import print_json


def probe(
    run: RunFolder,
    layer: Annotated[
        str,
        typer.Option("--layer", metavar="NAME", help="A layer of the network, or an input for comparison."),
    ],
    target: Annotated[
        str,
        typer.Option(
            "--target",
            metavar="EXPRESSION",
            help='What to read off it, from raw columns, say "label % 2" or "n_jets > 2".',
        ),
    ],
    engine: Annotated[
        str | None,
        typer.Option("--engine", help="What computes the layer. [default: what trained]", show_default=False),
    ] = None,
    *,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Find out what a layer of a network knows.

    Fits a logistic regression on the values of the layer and judges it on the test split.
    """
    from rapidity.core.progress import make_progress
    from rapidity.workflow import probe_run

    summary = probe_run(run, layer, target, engine=engine, progress=make_progress(quiet=quiet))
    if as_json:
        print_json(summary.to_dict())
    else:
        typer.echo(str(summary))
