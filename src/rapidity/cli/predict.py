"""`rapidity predict`."""

from pathlib import Path
from typing import Annotated

import typer

from rapidity.cli.options import Cluster, Json, Overwrite, Quiet
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
            "--output",
            "-o",
            show_default=False,
            help="Folder: each file gets a file of scores of its own (a.root: a.scores.root). Or one file: "
            ".csv, .csv.gz, .parquet, .h5 for one table of all files, .root for the friend of one file.",
        ),
    ],
    *,
    tree: Annotated[str | None, typer.Option("--tree", help="Tree inside ROOT files.")] = None,
    dataset: Annotated[
        str | None, typer.Option("--dataset", help="Dataset inside HDF5 or NPZ files.")
    ] = None,
    columns: Annotated[
        Path | None,
        typer.Option(
            "--columns",
            metavar="MAP.YAML",
            show_default=False,
            help="What the columns of the model are here: `columns: {pt: lep_pt / 1000}`.",
        ),
    ] = None,
    column_names: Annotated[
        str | None,
        typer.Option(
            "--column-names",
            metavar="A,B,...",
            help="Column names, for files that carry none.",
            show_default=False,
        ),
    ] = None,
    spectators: Annotated[
        list[str] | None,
        typer.Option("--spectator", help="Column to copy beside the scores. May be repeated."),
    ] = None,
    output_format: Annotated[
        str | None,
        typer.Option(
            "--format",
            show_default=False,
            help="Of files in a folder: root (a tree), rntuple, hdf5, parquet, csv. [default: as the input]",
        ),
    ] = None,
    cluster: Cluster = None,
    workers: Annotated[
        int, typer.Option("--workers", min=0, help="Processes that share the files; 0: one a processor.")
    ] = 1,
    inject: Annotated[
        bool, typer.Option("--inject", help="Write copies of the files with the scores in their tables.")
    ] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Write nothing: compare scores that are there with their events.")
    ] = False,
    no_pass: Annotated[
        bool, typer.Option("--no-pass", help="Leave out whether an entry passes the selection of the model.")
    ] = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Write the scores of events to files beside theirs.

    Every entry of every file gets its scores, in the order of the file; the events are only read. Scores that
    are there already and fit are kept, so that an interrupted prediction continues.
    """  # fmt: skip
    from rapidity.core.progress import make_progress
    from rapidity.workflow import predict_files

    summary = predict_files(
        model,
        files,
        output,
        tree=tree,
        dataset=dataset,
        column_names=[name.strip() for name in column_names.split(",")] if column_names else None,
        columns=columns,
        spectators=spectators or (),
        output_format=output_format,
        inject=inject,
        verify=verify,
        with_pass=not no_pass,
        overwrite=overwrite,
        cluster=cluster,
        n_workers=workers or None,
        progress=make_progress(quiet=quiet),
    )
    if as_json:
        print_json(summary.to_dict())
    else:
        typer.echo(str(summary))
