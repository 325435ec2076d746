"""`rapidity predict`."""

from pathlib import Path
from typing import Annotated

import typer

from rapidity.cli.options import Json, Overwrite, Quiet
from rapidity.cli.outcome import print_json


def predict(
    model: Annotated[
        Path,
        typer.Argument(metavar="MODEL", help="The model.onnx of a run, or its folder.", show_default=False),
    ],
    files: Annotated[
        list[str], typer.Argument(metavar="FILES...", help="Event files or globs.", show_default=False)
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="File for the scores: .csv, .csv.gz, .parquet, .h5.", show_default=False
        ),
    ],
    tree: Annotated[str | None, typer.Option("--tree", help="Tree inside ROOT files.")] = None,
    dataset: Annotated[
        str | None, typer.Option("--dataset", help="Dataset inside HDF5 or NPZ files.")
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            "--columns",
            metavar="A,B,...",
            help="Column names, for files that carry none.",
            show_default=False,
        ),
    ] = None,
    spectators: Annotated[
        list[str] | None,
        typer.Option("--spectator", help="Column to copy beside the scores. May be repeated."),
    ] = None,
    *,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Write the scores of events to a file.

    Every event keeps the file and the entry that it came from; the events are only read.
    """
    from rapidity.core.progress import make_progress
    from rapidity.delivery import predict_files

    summary = predict_files(
        model / "model.onnx" if model.is_dir() else model,
        files,
        output,
        tree=tree,
        dataset=dataset,
        column_names=[name.strip() for name in columns.split(",")] if columns else None,
        spectators=spectators or (),
        overwrite=overwrite,
        progress=make_progress(quiet=quiet),
    )
    if as_json:
        print_json(summary.to_dict())
    else:
        typer.echo(str(summary))
