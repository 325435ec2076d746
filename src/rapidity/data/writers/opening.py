"""Choosing the writer of a file by its name."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rapidity.core.errors import DataError, shorten
from rapidity.data.writers.writer import OutputColumn, Writer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import DTypeLike

_WRITERS = {
    ".csv": ("csv", "CsvWriter"),
    ".csv.gz": ("csv", "CsvWriter"),
    ".parquet": ("parquet", "ParquetWriter"),
    ".h5": ("hdf5", "ColumnarHdf5Writer"),
    ".hdf5": ("hdf5", "ColumnarHdf5Writer"),
}
WRITABLE_SUFFIXES = tuple(_WRITERS)
"""Endings of the files that can be written."""

_LAYOUTS = {
    "columnar": ("hdf5", "ColumnarHdf5Writer"),
    "compound": ("hdf5_compound", "CompoundHdf5Writer"),
    "pandas": ("hdf5_pandas", "PandasHdf5Writer"),
}
"""Of HDF5 files."""


def load_writer(path: Path) -> None:
    """Import what writes a file of this name, if anything does: it need not be done later."""
    for suffix, (module, _) in _WRITERS.items():
        if path.name.lower().endswith(suffix):
            import_module(f"rapidity.data.writers.{module}")


def open_writer(
    path: Path | str,
    *,
    columns: Mapping[str, DTypeLike | OutputColumn],
    attributes: Mapping[str, str] | None = None,
    layout: str = "columnar",
    compression: str | None = None,
) -> Writer:
    """Return a writer for the format that the name of the file says, to be used in a ``with`` block.

    Parameters
    ----------
    columns
        Names in order, with what each is stored as: a dtype (``object`` is text), or an
        `OutputColumn` that also has a unit or class names.
    attributes
        Texts about the whole file (HDF5 and Parquet keep them).
    layout
        Of HDF5: `columnar`, `compound` or `pandas`.
    compression
        Of HDF5 `none`, `gzip` or `lzf`; of Parquet one that Arrow knows. None: gzip and zstd.

    Raises
    ------
    DataError
        If no format has this suffix, or there is no column.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "scores.csv"
    ...     with open_writer(path, columns={"entry": "int64", "score": "float32"}) as writer:
    ...         writer.write({"entry": np.arange(2), "score": np.array([0.25, 0.5], dtype="f4")})
    ...     path.read_text().split()
    ['entry,score', '0,0.25', '1,0.5']
    """
    path = Path(path)
    found = next((_WRITERS[suffix] for suffix in _WRITERS if path.name.lower().endswith(suffix)), None)
    if found is None:
        message = (
            f"{path} cannot be written: no format for '{path.suffix}'. Give it one of: {shorten(_WRITERS)}"
        )
        raise DataError(message)
    if not columns:
        message = f"{path} cannot be written: no column is asked for."
        raise DataError(message)
    module, name = _LAYOUTS[layout] if found[0] == "hdf5" else found
    writer: Any = getattr(import_module(f"rapidity.data.writers.{module}"), name)
    described = {
        key: column if isinstance(column, OutputColumn) else OutputColumn(column)
        for key, column in columns.items()
    }
    settings = {} if compression is None else {"compression": compression}
    opened: Writer = writer(path, described, attributes or {}, **settings)
    return opened
