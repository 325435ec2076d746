"""Texts about a whole file, as the writers keep them beside the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rapidity.data.readers.opening import FORMATS, find_format

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def read_attribute(path: Path, name: str) -> str | None:
    """Return a text about a file: of a ROOT file the ``TObjString`` of this name, else the attribute.

    HDF5 files have attributes at the top, at the group ``events`` or at another table; Parquet
    files in their footer. None if the file has none of this name, or its format keeps none.

    Raises
    ------
    DataError
        If the file is missing or damaged.
    """
    kinds: dict[str, Callable[[Path, str], str | None]] = {
        "root": _of_root,
        "hdf5": _of_hdf5,
        "parquet": _of_parquet,
    }
    file_format = find_format(path)
    read = next(
        (kinds[name] for name, known in FORMATS.items() if known is file_format and name in kinds), None
    )
    return None if read is None else read(path, name)


def _of_root(path: Path, name: str) -> str | None:
    from rapidity.data.readers.root_file import open_file, report_damage

    with open_file(path) as file, report_damage(path):
        if name not in file.keys(recursive=False, cycle=False):
            return None
        return str(file[name])


def _of_hdf5(path: Path, name: str) -> str | None:
    import h5py

    from rapidity.core.errors import DataError

    try:
        with h5py.File(path, "r") as file:
            nodes = [file, *(node for node in file.values() if hasattr(node, "attrs"))]
            return next((_as_text(node.attrs[name]) for node in nodes if name in node.attrs), None)
    except OSError as error:
        message = f"{path} cannot be opened as HDF5 ({error}). Copy or write it again."
        raise DataError(message) from error


def _of_parquet(path: Path, name: str) -> str | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from rapidity.core.errors import DataError

    try:
        # Those of the schema are among them; what a writer adds at its end is not among those of the schema.
        metadata = pq.read_metadata(path).metadata or {}
    except (pa.ArrowException, OSError) as error:
        message = f"{path} cannot be read as Parquet ({error}). Copy or write it again."
        raise DataError(message) from error
    text = metadata.get(name.encode())
    return None if text is None else text.decode("utf-8", "replace")


def _as_text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
