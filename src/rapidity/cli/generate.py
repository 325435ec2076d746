"""`rapidity generate`."""

from pathlib import Path
from typing import Annotated

import typer

from rapidity.cli.options import Overwrite, Quiet


def generate(
    sample: Annotated[str, typer.Argument(metavar="SAMPLE", help="Name of the sample, say hww_ttbar.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The HDF5 file to write.", show_default=False)
    ],
    n_events: Annotated[
        int, typer.Option("--events", min=1, help="Selected events, all classes together.")
    ] = 40_000,
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="The same seed gives the same events on any number of cores.")
    ] = 1,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, help="Processes. [default: all cores]", show_default=False),
    ] = None,
    *,
    underlying_event: Annotated[
        bool,
        typer.Option(
            "--underlying-event", help="Simulate multiple parton interactions too; about five times slower."
        ),
    ] = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Generate a simulated sample."""
    from rapidity.core.errors import DataError
    from rapidity.core.progress import make_progress
    from rapidity.samples import generate as generate_sample

    if output.exists() and not overwrite:
        message = f"{output} exists already. Give --overwrite to replace it, or another --output"
        raise DataError(message)
    generate_sample(
        sample, output, n_events=n_events, seed=seed, underlying_event=underlying_event, workers=workers,
        progress=make_progress(quiet=quiet),
    )  # fmt: skip
    typer.echo(output)
