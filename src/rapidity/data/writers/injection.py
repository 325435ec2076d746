"""Copies of event files with further columns in the same table: the input is read, never written.

One module per format. Each looks first whether the columns can go into the file at all, and compares the
copy with the input when it is complete.
"""

from __future__ import annotations

import shutil
from abc import abstractmethod
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from rapidity.core.errors import DataError, VerificationError, shorten
from rapidity.data.writers.writer import OutputColumn, Writer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import DTypeLike

    from rapidity.data.readers.base import TableReader

_INJECTORS = {
    "root": ("inject_root", "RootInjector"),
    "hdf5": ("inject_hdf5", "Hdf5Injector"),
    "parquet": ("inject_parquet", "ParquetInjector"),
    "csv": ("inject_csv", "CsvInjector"),
}


class Injector(Writer):
    """Writes a copy of a file that has further columns; as many rows as the input has must be written.

    Attributes
    ----------
    source
        The table that the columns are added to.
    """

    def __init__(
        self,
        path: Path,
        columns: Mapping[str, OutputColumn],
        attributes: Mapping[str, str],
        source: TableReader,
    ) -> None:
        super().__init__(path, columns, attributes)
        self.source = source

    def _verify(
        self, temporary: Path, kind: type[BaseException] | None, error: object, trace: object
    ) -> None:
        if kind is None:
            self.compare(temporary)
        super()._verify(temporary, kind, error, trace)

    def refuse(self, reason: str) -> NoReturn:
        """Raise the error about a file that takes no columns."""
        message = (
            f"no column can be added to {self.source.where}: {reason} Write the scores beside it instead, "
            "without --inject: a friend of the file with the same entries."
        )
        raise DataError(message)

    def lost(self, what: str) -> NoReturn:
        """Raise the error about a copy that differs from the input."""
        message = (
            f"the copy of {self.source.path} is not what it should be: {what}. It was not kept. "
            "Write the scores beside the file instead, without --inject."
        )
        raise VerificationError(message)

    @abstractmethod
    def check(self) -> None:
        """Raise a DataError if the columns cannot go into the file; called before anything is scored."""

    @abstractmethod
    def compare(self, temporary: Path) -> None:
        """Raise a DataError if anything of the input is missing in the copy."""


def open_injector(
    source: TableReader,
    path: Path | str,
    *,
    file_format: str,
    columns: Mapping[str, DTypeLike],
    attributes: Mapping[str, str] | None = None,
) -> Injector:
    """Return a writer of a copy of the file of `source` with more columns, for a ``with`` block.

    Parameters
    ----------
    source
        The table that gets the columns.
    path
        The copy; never the input itself.
    file_format
        Name of the format of both, as in `FORMATS`.
    columns
        Names and types of the new columns: numbers and truth values.

    Raises
    ------
    DataError
        If the format is not one of those, a column is there already, or the layout of the file takes
        no more columns; the message says what stands in the way.
    """
    if file_format not in _INJECTORS:
        message = (
            f"no column can be added to {source.where}: copies with more columns are made of "
            f"{shorten(_INJECTORS)} files. Write the scores beside it instead, without --inject."
        )
        raise DataError(message)
    module, name = _INJECTORS[file_format]
    described = {key: OutputColumn(np.dtype(dtype)) for key, dtype in columns.items()}
    opened: Injector = getattr(import_module(f"rapidity.data.writers.{module}"), name)(
        Path(path), described, attributes or {}, source
    )
    taken = [key for key in described if key in source.columns]
    if taken:
        opened.refuse(f"it has {shorten(taken)} already.")
    opened.check()
    return opened


def copy_file(source: Path, destination: Path) -> None:
    """Copy the content of a file, in portions and in the kernel where it can."""
    shutil.copyfile(source, destination)
