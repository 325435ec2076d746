"""`rapidity inspect`."""

import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from rapidity.cli.options import Json
from rapidity.cli.outcome import print_json, print_table


def inspect(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE[:TABLE]",
            help="An event file, with the tree or dataset inside it; a model.onnx; the folder of a run.",
        ),
    ],
    *,
    target: Annotated[
        str | None,
        typer.Option(
            "--target",
            metavar="COLUMN",
            help="Column of the classes, whose balance is shown. [default: one that looks like it]",
            show_default=False,
        ),
    ] = None,
    read_all: Annotated[
        bool,
        typer.Option("--all", help="Read every entry, where else a sample of a long table is looked at."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Show what is in a data file, a model or the folder of a run.

    Of data: tables, columns, types, objects per event, ranges, missing values and which are missing
    together, sentinels, classes, duplicates. Of a model.onnx: inputs, classes, size. Of a run: how it ended.
    """
    path, table = split_table(file)
    if path.suffix == ".onnx" or _holds_a_run(path):
        shown = "folder" if path.is_dir() else "model"
        _refuse_options(shown, target=target, read_all=read_all)
        (_inspect_run if path.is_dir() else _inspect_model)(path, as_json=as_json)
        return
    from rapidity.data.inspection import format_summary, inspect_file

    summary = inspect_file(path, table, target=target, read_all=read_all)
    if as_json:
        print_json(summary.to_dict())
    else:
        typer.echo(format_summary(summary, terminal_width(), histogram_levels()))


def terminal_width() -> int | None:
    """Return the columns of the terminal; None where the output goes elsewhere."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def histogram_levels() -> str:
    """Return the characters of small histograms that the terminal can show."""
    from rapidity.data.inspection import ASCII, BLOCKS

    try:
        BLOCKS.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return BLOCKS


def split_table(text: str) -> tuple[Path, str | None]:
    """Return the file and the table of ``FILE:TABLE``; a file whose own name has a colon wins.

    Examples
    --------
    >>> split_table("data.root:nominal")
    (PosixPath('data.root'), 'nominal')
    """
    path, colon, table = text.rpartition(":")
    if not colon or Path(text).exists():
        return Path(text), None
    return Path(path), table


def _holds_a_run(path: Path) -> bool:
    """Return whether a folder is one of a run, which has plots too, and not one of pictures."""
    from rapidity.data.readers.finding import holds_pictures
    from rapidity.workflow import RunFolder

    return path.is_dir() and (RunFolder(path).record.exists() or not holds_pictures(path))


def _refuse_options(shown: str, *, target: str | None, read_all: bool) -> None:
    given = [name for name, is_given in (("--target", target is not None), ("--all", read_all)) if is_given]
    if given:
        message = f"{', '.join(given)}: for data files only, not for a {shown}. Leave it out."
        raise typer.BadParameter(message)


def _inspect_model(path: Path, *, as_json: bool) -> None:
    from rapidity.artefact import describe_model

    model = describe_model(path)
    if as_json:
        print_json(model.to_dict())
        return
    typer.echo(f"{model}\n")
    rows = []
    for name, column in model.inputs.items():
        low, high = column.training_range or (None, None)
        shape = f"[{', '.join(map(str, column.shape))}]" if column.shape else ""
        objects = f" per object of {column.collection}" if column.collection else ""
        rows.append((name, f"{column.dtype}{shape}{objects}", column.unit, low, high))
    print_table(rows, ["input", "type", "unit", "lowest in training", "highest in training"])


def _inspect_run(path: Path, *, as_json: bool) -> None:
    from rapidity.workflow import describe_run

    run = describe_run(path)
    if as_json:
        print_json(run.to_dict())
    else:
        typer.echo(str(run))
