"""Choosing how a table is kept in a ROOT file."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rapidity.core.errors import DataError
from rapidity.data.writers.writer import OutputColumn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import DTypeLike

    from rapidity.data.writers.writer import Writer

RootLayout = Literal["tree", "rntuple"]
_WRITERS: dict[RootLayout, tuple[str, str]] = {
    "tree": ("root_tree", "TreeWriter"),
    "rntuple": ("root_rntuple", "RNTupleWriter"),
}


def open_root_writer(
    path: Path | str,
    *,
    columns: Mapping[str, DTypeLike | OutputColumn],
    table: str,
    layout: RootLayout = "tree",
    attributes: Mapping[str, str] | None = None,
) -> Writer:
    """Return a writer of one tree or RNTuple, to be used in a ``with`` block.

    Parameters
    ----------
    columns
        Names in order, with the type of their numbers; truth values become ROOT's ``bool``.
        Jagged columns of one collection go into a tree with a branch of counts, ``n_<collection>``.
    table
        Name of the tree or RNTuple.
    attributes
        Texts about the whole file, each a ``TObjString`` of its name; ``units`` holds those of the columns.

    Raises
    ------
    DataError
        If there is no column, one holds text, or ROOT does not take its name.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from rapidity.data.readers import open_reader
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "a.scores.root"
    ...     with open_root_writer(path, columns={"score": "float32"}, table="scores") as writer:
    ...         writer.write({"score": np.array([0.25, 0.5], dtype="f4")})
    ...     open_reader(path).n_entries
    2
    """
    path = Path(path)
    if not columns:
        message = f"{path} cannot be written: no column is asked for."
        raise DataError(message)
    module, name = _WRITERS[layout]
    writer = getattr(import_module(f"rapidity.data.writers.{module}"), name)
    described = {
        key: column if isinstance(column, OutputColumn) else OutputColumn(column)
        for key, column in columns.items()
    }
    opened: Writer = writer(path, described, attributes or {}, table)
    return opened
