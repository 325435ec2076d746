"""Where scores may be written: one table for all files, or one file for each; never over an input."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rapidity.core.errors import ConfigError, DataError, closest
from rapidity.data.readers import FORMATS, list_tables
from rapidity.data.readers.opening import find_format
from rapidity.data.writers import WRITABLE_SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rapidity.data.readers import Reader

OutputFormat = Literal["root", "rntuple", "hdf5", "parquet", "csv"]
OUTPUT_FORMATS: tuple[OutputFormat, ...] = ("root", "rntuple", "hdf5", "parquet", "csv")
SUFFIXES: dict[OutputFormat, str] = {
    "root": ".root", "rntuple": ".root", "hdf5": ".h5", "parquet": ".parquet", "csv": ".csv",
}  # fmt: skip
ADDED = ".scores"
"""What stands before the suffix of a friend: ``a.root`` has ``a.scores.root``."""


def is_one_table(output: Path) -> bool:
    """Tell whether an output means one table of all files (CSV, Parquet, HDF5)."""
    return not output.is_dir() and output.name.lower().endswith(WRITABLE_SUFFIXES)


def is_one_friend(output: Path) -> bool:
    """Tell whether an output means the friend of one ROOT file."""
    return not output.is_dir() and output.suffix.lower() == ".root"


def check_folder(output: Path) -> None:
    """Raise a DataError if an output is neither a file of a known format nor the name of a folder."""
    suffix = output.suffix
    # A folder may be called v1.2.
    if output.is_dir() or not suffix or suffix[1:].isdigit():
        if output.exists() and not output.is_dir():
            message = f"cannot write into {output}: a file of this name is there. Name a folder."
            raise DataError(message)
        return
    message = (
        f"cannot write {output}: found '{suffix}', expected a name that ends in "
        f"{', '.join([*WRITABLE_SUFFIXES, '.root'])} for one file, or one without a suffix for a folder (or "
        "make the folder first)"
    )
    raise DataError(message)


def check_destination(output: Path | str, read: Iterable[Path | str], *, overwrite: bool) -> Path:
    """Return the path to write to; one that is read, or is there already, is a DataError.

    Parameters
    ----------
    read
        Files that this work reads; the output must be none of them, whatever it is called.
    """
    path = Path(output)
    check_not_read(path, read)
    if path.exists() and not overwrite:
        message = f"{path} exists already. Give --overwrite to replace it, or another --output."
        raise DataError(message)
    return path


def check_not_read(path: Path, read: Iterable[Path | str]) -> None:
    """Raise a DataError if a path is one of the files that are read, under whatever name."""
    if not path.exists():
        return
    same = next((other for other in read if path.samefile(other)), None)
    if same is not None:
        message = f"cannot write {path}: it is {same}, which is read here. Choose another --output."
        raise DataError(message)


def choose_format(wanted: str | None, reader: Reader) -> OutputFormat:
    """Return the format of the scores of a file: as asked for, else that of the file.

    A tree has a tree for a friend, an RNTuple an RNTuple; NumPy and IDX files, which have no named
    columns, get HDF5.
    """
    if wanted is not None:
        for known in OUTPUT_FORMATS:
            if known == wanted:
                return known
        near = closest(wanted, OUTPUT_FORMATS, limit=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        message = f"--format {wanted}: not known.{hint} Known: {', '.join(OUTPUT_FORMATS)}"
        raise ConfigError(message)
    kind = format_name(reader.path)
    if kind == "root":
        tables = {table.name: table.layout for table in list_tables(reader.path)}
        return "rntuple" if tables.get(table_name(reader)) == "RNTuple" else "root"
    return {"parquet": "parquet", "csv": "csv"}.get(kind, "hdf5")  # type: ignore[return-value]


def format_name(path: Path) -> str:
    """Return the name of the format of a file, as in `FORMATS`."""
    found = find_format(path)
    return next(name for name, known in FORMATS.items() if known is found)


def table_name(reader: Reader) -> str:
    """Return the name of a reader's table inside its file; empty where a file is one table."""
    name: str = getattr(reader, "table", "")
    return name


def name_outputs(sources: Sequence[Path], folder: Path, formats: Sequence[OutputFormat] | None) -> list[Path]:
    """Return an output in the folder for each file, named after it.

    Where files of the same name come from several folders, their folders are kept below the output.

    Parameters
    ----------
    formats
        Format of the scores of each file; None for copies, which keep the names of the files.

    Raises
    ------
    DataError
        If two files would have the same output.
    """
    kinds: Sequence[OutputFormat | None] = formats or [None] * len(sources)
    names = [_name_output(path, kind) for path, kind in zip(sources, kinds, strict=True)]
    if len(set(names)) < len(names) and len(sources) > 1:
        common = Path(os.path.commonpath([path.resolve().parent for path in sources]))
        parents = [path.resolve().parent.relative_to(common) for path in sources]
        names = [str(parent / name) for parent, name in zip(parents, names, strict=True)]
    for index, name in enumerate(names):
        if name in names[:index]:
            first = sources[names.index(name)]
            message = (
                f"{first} and {sources[index]} would both be scored into {folder / name}. "
                "Give each file once, and files of different formats in calls of their own."
            )
            raise DataError(message)
    return [folder / name for name in names]


def _name_output(path: Path, kind: OutputFormat | None) -> str:
    if kind is None:
        return path.name
    is_packed = path.suffix.lower() == ".gz"
    stem = path.name.removesuffix(path.suffix) if is_packed else path.name
    ending = Path(stem).suffix
    is_known = any(ending.lower() in known.suffixes for known in FORMATS.values())
    stem = stem.removesuffix(ending) if is_known else stem
    packed = ".gz" if is_packed and kind == "csv" else ""
    return f"{stem}{ADDED}{SUFFIXES[kind]}{packed}"
