"""`rapidity convert`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from rapidity.cli.options import Cluster, Json, Overrides, Overwrite, Quiet
from rapidity.cli.outcome import print_json


def convert(  # noqa: PLR0917 - Typer reads options from arguments
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="CONFIG|FILES...", help="The YAML of a conversion; or event files, globs.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="The file to write: .h5, .hdf5, .parquet. [default: as configured]",
            show_default=False,
        ),
    ] = None,
    overrides: Overrides = None,
    tree: Annotated[str | None, typer.Option("--tree", help="Tree or RNTuple inside ROOT files.")] = None,
    dataset: Annotated[
        str | None, typer.Option("--dataset", help="Dataset inside HDF5 or NPZ files.")
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--columns", metavar="A,B*,C = EXPR", show_default=False,
            help="Names or globs, with commas between them, or one NAME = EXPRESSION. May be repeated. "
            "[default: all]",
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option("--exclude", help="Column or glob to leave out. May be repeated.")
    ] = None,
    selection: Annotated[
        str | None, typer.Option("--select", metavar="EXPR", help="What an event must fulfil.")
    ] = None,
    n_objects: Annotated[
        int | None, typer.Option("--objects", min=1, help="Most objects of each collection. [default: all]")
    ] = None,
    class_name: Annotated[
        str | None, typer.Option("--class", metavar="NAME", help="Class of all events.")
    ] = None,
    weight: Annotated[
        str | None, typer.Option("--weight", metavar="EXPR", help="Generator weight of an event.")
    ] = None,
    event_key: Annotated[
        str | None, typer.Option("--event-key", metavar="A,B,...", help="Columns that identify an event.")
    ] = None,
    layout: Annotated[
        str | None, typer.Option("--layout", help="Of HDF5: columnar (the default), compound or pandas.")
    ] = None,
    compression: Annotated[
        str | None, typer.Option("--compression", help="none, gzip, lzf (HDF5), zstd, lz4, snappy (Parquet).")
    ] = None,
    cluster: Cluster = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, help="Processes. [default: all cores]", show_default=False),
    ] = None,
    *,
    skip_bad_files: Annotated[
        bool, typer.Option("--skip-bad-files", help="Leave out files that cannot be read, and list them.")
    ] = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Convert ntuples to columnar HDF5 or Parquet.

    By a YAML file, or straight from event files. An interrupted conversion goes on where it was.
    """
    from rapidity.core.progress import make_progress
    from rapidity.workflow import convert_files

    keys: dict[str, Any] = {
        "tree": tree,
        "dataset": dataset,
        "columns": _split_columns(columns),
        "exclude": exclude or None,
        "selection": selection,
        "n_objects": n_objects,
        "class_name": class_name,
        "generator_weight": weight,
        "event_key": [name.strip() for name in event_key.split(",")] if event_key else None,
        "layout": layout,
        "compression": compression,
    }
    summary = convert_files(
        files,
        output,
        overrides=overrides or (),
        overwrite=overwrite,
        skip_bad_files=skip_bad_files,
        cluster=cluster,
        n_workers=workers,
        progress=make_progress(quiet=quiet),
        **{key: value for key, value in keys.items() if value is not None},
    )
    if as_json:
        print_json(summary.to_dict())
    else:
        typer.echo(str(summary))


def _split_columns(texts: list[str] | None) -> list[str] | None:
    """Return the columns asked for; an expression may have commas of its own.

    Examples
    --------
    >>> _split_columns(["met,jet_*", "m = mass(a, b)"])
    ['met', 'jet_*', 'm = mass(a, b)']
    """
    if not texts:
        return None
    return [
        part.strip()
        for text in texts
        for part in ([text] if "=" in text else text.split(","))
        if part.strip()
    ]
