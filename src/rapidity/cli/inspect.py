"""`rapidity inspect`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from rapidity.cli.options import Json
from rapidity.cli.outcome import print_json, print_table


def inspect(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE[:TABLE]", help="An event file, with the tree or dataset inside it, or a model.onnx."
        ),
    ],
    *,
    as_json: Json = False,
) -> None:
    """Show what is in a data file or a model.

    Columns, types, ranges, missing values, sentinels, duplicates; of a model.onnx its inputs and classes.
    """
    path, table = split_table(file)
    if path.suffix == ".onnx":
        _inspect_model(path, as_json=as_json)
        return
    from rapidity.data.inspection import inspect_file

    summary = inspect_file(path, table)
    if as_json:
        print_json(summary.to_dict())
    else:
        typer.echo(str(summary))


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


def _inspect_model(path: Path, *, as_json: bool) -> None:
    from rapidity.artefact import OnnxModel

    model = OnnxModel.load(path)
    if as_json:
        print_json(_model_as_dict(model))
        return
    typer.echo(f"{path}: classes {', '.join(model.classes.names)}; inputs as {model.signature}\n")
    rows = []
    for name, column in model.inputs.items():
        low, high = column.training_range or (None, None)
        shape = f"[{', '.join(map(str, column.shape))}]" if column.shape else ""
        rows.append((name, f"{column.dtype}{shape}", column.unit, low, high))
    print_table(rows, ["input", "type", "unit", "lowest in training", "highest in training"])


def _model_as_dict(model: Any) -> dict[str, Any]:
    inputs = {
        name: {
            "dtype": column.dtype,
            "shape": list(column.shape),
            "unit": column.unit,
            "training_range": column.training_range,
        }
        for name, column in model.inputs.items()
    }
    return {
        "classes": model.classes.names,
        "signature": model.signature,
        "inputs": inputs,
        "metadata": dict(model.metadata),
    }
