"""`rapidity fetch`."""

from pathlib import Path
from typing import Annotated

import typer

from rapidity.cli.options import Json, Overwrite, Quiet
from rapidity.cli.outcome import print_json, print_table


def fetch(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="A data set; left out, all of them are listed.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for the files. [default: NAME]", show_default=False),
    ] = None,
    *,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Fetch a public data set, and verify it.

    Files that are there already are verified and kept, so fetching again downloads nothing.
    """
    if name is None:
        _list(as_json=as_json)
        return
    from rapidity.core.progress import make_progress
    from rapidity.samples.public import fetch as fetch_data_set

    summary = fetch_data_set(name, output, overwrite=overwrite, progress=make_progress(quiet=quiet))
    if as_json:
        print_json(summary.to_dict())
        return
    rows = [(str(file.path), file.size, file.origin, file.verified_by) for file in summary.files]
    print_table(rows, ["file", "bytes", "", "verified by"])


def _list(*, as_json: bool) -> None:
    from rapidity.samples.public import PUBLIC_DATA_SETS

    if as_json:
        listed = [
            {
                "name": entry.name,
                "title": entry.title,
                "download_bytes": entry.size,
                "terms": entry.terms,
                "source": entry.source,
            }
            for entry in PUBLIC_DATA_SETS.values()
        ]
        print_json(listed)
        return
    for entry in PUBLIC_DATA_SETS.values():
        typer.echo(f"{entry.name}: {entry.title}")
        typer.echo(f"  size    {entry.describe_size()}")
        typer.echo(f"  terms   {entry.terms}")
        typer.echo(f"  source  {entry.source}\n")
    typer.echo("Fetch one with: rapidity fetch NAME [-o FOLDER]")
