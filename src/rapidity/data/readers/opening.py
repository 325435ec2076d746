"""Choosing the reader of a file by its name and its first bytes."""

from __future__ import annotations

import gzip
import re
import zlib
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rapidity.core.counting import counted
from rapidity.core.errors import DataError, MissingNameError, closest, shorten
from rapidity.core.registry import Registry
from rapidity.data.readers import idx
from rapidity.data.readers.finding import holds_pictures, missing_file
from rapidity.data.readers.picture_list import with_pictures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rapidity.data.readers.reader import Reader, TableInfo


@dataclass(frozen=True)
class Format:
    """One file format: how to recognise it, and the module that reads it.

    The module has ``list_tables(path) -> list[TableInfo]``, ``open_table(path, table, column_names)
    -> Reader`` and, where a file may hold several tables, ``resolve_table(path, name) -> str | None``:
    the table that a user's spelling means (``nominal;1``, ``/events``), the only one if the name is
    None; and None if that is not one table.
    """

    title: str
    module: str
    suffixes: tuple[str, ...]
    signatures: tuple[bytes, ...] = ()
    table_key: str | None = None
    """The key of a source that names a table inside such a file."""
    name_pattern: str | None = None
    """Regular expression for the end of names that have no suffix: ``train-images-idx3-ubyte``."""
    may_be_gzipped: bool = False
    """Whether the reader unpacks gzip by itself."""
    explains_its_beginning: bool = False
    """Whether the reader says what is wrong with the first bytes of a file that has its name."""

    @property
    def phrase(self) -> str:
        """The title with its article, for messages."""
        what = self.title if "folder" in self.title else f"{self.title} file"
        return f"{'an' if self.title[0] in 'HI' else 'a'} {what}"


FORMATS = Registry(
    "file format",
    {
        "csv": Format("CSV text", "csv", (".csv", ".tsv", ".txt", ".dat"), may_be_gzipped=True),
        "hdf5": Format("HDF5", "hdf5", (".h5", ".hdf5", ".hdf", ".he5"), (b"\x89HDF\r\n\x1a\n",), "dataset"),
        "parquet": Format("Parquet", "parquet", (".parquet", ".pq"), (b"PAR1",)),
        "npy": Format("NumPy (npy)", "npy", (".npy",), (b"\x93NUMPY",)),
        "npz": Format("NumPy (npz)", "npz", (".npz",), (b"PK\x03\x04", b"PK\x05\x06"), "dataset"),
        "root": Format("ROOT", "root", (".root",), (b"root",), "tree"),
        "idx": Format(
            "IDX",
            "idx",
            (".idx",),
            idx.SIGNATURES,
            name_pattern=r"[-.](idx\d?|idx\d-\w+|ubyte)$",
            may_be_gzipped=True,
            explains_its_beginning=True,
        ),
        "png": Format("folder of PNG pictures", "png", ()),
    },
    error=DataError,
)

_OTHER_SIGNATURES = {
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture",
    b"%PDF": "a PDF document",
    b"ARROW1": "an Arrow (Feather) file",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"\x28\xb5\x2f\xfd": "a zstd archive",
    b"SQLite format 3": "an SQLite data base",
    b"<!DOCTYPE": "a web page",
    b"<html": "a web page",
}
_GZIP = b"\x1f\x8b"


def open_reader(
    path: Path | str,
    *,
    tree: str | None = None,
    dataset: str | None = None,
    column_names: Sequence[str] | None = None,
) -> Reader:
    """Open one table of a file for reading; only its description is read now.

    Parameters
    ----------
    tree, dataset
        Name of the table inside ROOT files, or inside HDF5 and NPZ files; may be left out when there
        is only one.
    column_names
        Names for files that carry none (CSV without a header, plain arrays).

    Raises
    ------
    DataError
        If the file is missing, empty, truncated or not what its name says, if it holds several
        tables and none is named; MissingNameError if it lacks the table.
    """
    path = Path(path)
    file_format = find_format(path)
    table = _pick_table_name(path, file_format, tree, dataset)
    return open_table(path, table, column_names)


def open_table(
    path: Path | str, table: str | None = None, column_names: Sequence[str] | None = None
) -> Reader:
    """Open one table, named in the way of its format (see `list_tables`)."""
    path = Path(path)
    file_format = find_format(path)
    module = _load(file_format)
    if file_format.table_key is not None:
        table = _choose_table(path, file_format, module, table)
    reader = module.open_table(path, table, column_names)
    opened: Reader = with_pictures(reader) if file_format is FORMATS["csv"] else reader
    return opened


def list_tables(path: Path | str) -> list[TableInfo]:
    """Return the tables inside a file, in the order of the file."""
    path = Path(path)
    tables: list[TableInfo] = _load(find_format(path)).list_tables(path)
    return tables


def find_format(path: Path) -> Format:
    """Return the format of a file; a content that contradicts the name is a DataError."""
    if holds_pictures(path):
        return FORMATS["png"]
    if not path.is_file():
        raise missing_file(path)
    start = _first_bytes(path)
    if not start:
        message = f"file {path} is empty. Expected events; was the program that writes it stopped early?"
        raise DataError(message)
    by_content = _format_by_content(start)
    by_name = _format_by_name(path)
    if by_content is None and start.startswith(_GZIP):
        start = _decompressed_start(path)
        by_content = _format_by_content(start)
        if by_content is not None and not by_content.may_be_gzipped:
            message = f"file {path} is a gzipped {by_content.title} file. Unpack it first: gunzip {path}"
            raise DataError(message)
    if by_content is None and _is_text(start) and by_name in {None, FORMATS["csv"]}:
        return FORMATS["csv"]
    if by_content is None and by_name is not None and by_name.explains_its_beginning and _is_unknown(start):
        return by_name
    if by_content is None or by_name not in {None, by_content}:
        raise _not_what_it_says(path, by_name, _describe(start, by_content), by_content)
    return by_content


def _load(file_format: Format) -> Any:
    return import_module(f"rapidity.data.readers.{file_format.module}")


def _first_bytes(path: Path, size: int = 4096) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(size)
    except OSError as error:
        message = f"cannot read {path}: {error.strerror}. Check the permissions of the file."
        raise DataError(message) from error


def _decompressed_start(path: Path) -> bytes:
    try:
        with gzip.open(path, "rb") as stream:
            return stream.read(4096)
    except EOFError:
        message = f"{path} is truncated: the compressed data end in the middle. Copy it or download it again."
        raise DataError(message) from None
    except (OSError, zlib.error) as error:
        message = f"{path} cannot be decompressed ({error}). Copy it or download it again."
        raise DataError(message) from error


def _format_by_content(start: bytes) -> Format | None:
    if b"\0" not in start:  # so that a text file whose first column is called "root" stays text
        return None
    for file_format in FORMATS.values():
        if file_format.signatures and start.startswith(file_format.signatures):
            return file_format
    return None


def _format_by_name(path: Path) -> Format | None:
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    for file_format in FORMATS.values():
        if suffixes and suffixes[-1] in file_format.suffixes:
            return file_format
    name = path.name.lower().removesuffix(".gz")
    for file_format in FORMATS.values():
        if file_format.name_pattern is not None and re.search(file_format.name_pattern, name):
            return file_format
    return None


def _is_text(start: bytes) -> bool:
    return b"\0" not in start and not any(start.startswith(magic) for magic in _OTHER_SIGNATURES)


def _is_unknown(start: bytes) -> bool:
    return b"\0" in start and not any(start.startswith(magic) for magic in _OTHER_SIGNATURES)


def _describe(start: bytes, by_content: Format | None) -> str:
    if by_content is not None:
        return by_content.phrase
    for magic, description in _OTHER_SIGNATURES.items():
        if start.startswith(magic):
            return description
    return "text" if _is_text(start) else "binary data of no known format"


def _not_what_it_says(path: Path, by_name: Format | None, found: str, by_content: Format | None) -> DataError:
    known = shorten(suffix for file_format in FORMATS.values() for suffix in file_format.suffixes)
    if by_name is None:
        return DataError(f"{path} is {found}. Readable are: {known}, and folders of PNG pictures")
    cure = (
        f"If this is the file you mean, rename it to end in {by_content.suffixes[0]}."
        if by_content
        else "Name another file, or write it again."
    )
    return DataError(f"{path} is not what its name says: found {found}, expected {by_name.title}. {cure}")


def _pick_table_name(path: Path, file_format: Format, tree: str | None, dataset: str | None) -> str | None:
    given = {"tree": tree, "dataset": dataset}
    for key, name in given.items():
        if name is not None and key != file_format.table_key:
            use = f"use `{file_format.table_key}:`" if file_format.table_key else "such a file is one table"
            message = f"`{key}: {name}` does not fit {path}, {file_format.phrase}: {use}."
            raise DataError(message)
    return given.get(file_format.table_key or "")


def _choose_table(path: Path, file_format: Format, module: Any, name: str | None) -> str:
    found: str | None = module.resolve_table(path, name)
    if found is not None:
        return found
    tables: list[TableInfo] = module.list_tables(path)
    names = [table.name for table in tables]
    if name is not None:
        near = closest(name, names)
        hint = f"Closest: {', '.join(map(repr, near))}" if near else f"It has: {shorten(names)}"
        message = (
            f"{file_format.table_key} '{name}' is not in {path} ({len(names)} tables). "
            f"{hint}. List all: rapidity inspect {path}"
        )
        raise MissingNameError(message)
    if not names:
        message = f"{path} holds no table that can be read. Look inside: rapidity inspect {path}"
        raise DataError(message)
    listed = shorten(f"'{table.name}' ({_describe_table(table)})" for table in tables)
    message = (
        f"{path} holds {len(names)} tables, and none is named: {listed}.\n"
        f"  Name one with `{file_format.table_key}:` in the source."
    )
    raise DataError(message)


def _describe_table(table: TableInfo) -> str:
    """Return the layout, and how many entries there are where the file says so."""
    if table.n_entries is None:
        return table.layout
    return f"{table.layout}, {counted(table.n_entries, 'entry', 'entries')}"
