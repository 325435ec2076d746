"""Trees (TTree) of numbers: one branch a column, one basket a branch for each chunk.

Jagged columns of one collection share a branch of counts, ``n_<collection>``, as in most ntuples.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import DataError
from rapidity.data.writers.root_file import check_names, create_root
from rapidity.data.writers.writer import OutputColumn, Writer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import ExitStack
    from pathlib import Path

    from numpy.typing import NDArray

    from rapidity.core.jagged import Jagged

_BASKETS_AT_FIRST = 50
"""Room in the tree's directory of baskets: whenever it is full, uproot writes it anew."""


class RootWriter(Writer):
    """Writes one table of numbers and truth values into a ROOT file.

    Attributes become a ``TObjString`` each, and so do the units of all columns (``units``, JSON): uproot
    gives every branch its type for a title. A `table` is the name of the tree or RNTuple.
    """

    def __init__(
        self,
        path: Path,
        columns: Mapping[str, OutputColumn],
        attributes: Mapping[str, str],
        table: str,
    ) -> None:
        super().__init__(path, columns, attributes)
        self._table = table

    def _open(self, temporary: Path, opened: ExitStack) -> None:
        check_names(self.path, self._columns)
        for name, column in self._columns.items():
            if column.class_names is not None or np.dtype(column.dtype).kind not in "fiub":
                message = (
                    f"column '{name}' cannot be written to {self.path}: found text, expected numbers. "
                    "Leave it out, or write .parquet or .csv instead."
                )
                raise DataError(message)
        self._check_jagged()
        units = {name: column.unit for name, column in self._columns.items() if column.unit}
        texts = {"units": json.dumps(units), **self._attributes} if units else self._attributes
        file = opened.enter_context(create_root(temporary, texts))
        dtypes = {
            name: np.dtype(column.dtype) for name, column in self._columns.items() if not column.is_jagged
        }
        self._rows = self._create(file, dtypes)

    def _check_jagged(self) -> None:
        """Raise a DataError if jagged columns cannot be kept: an RNTuple is not written with them."""
        jagged = [name for name, column in self._columns.items() if column.is_jagged]
        if jagged:
            message = (
                f"column '{jagged[0]}' cannot be written to {self.path}: found a varying number of values "
                "per event, expected one. Write a tree or .parquet instead."
            )
            raise DataError(message)

    def _create(self, file: Any, dtypes: Mapping[str, np.dtype[Any]]) -> Any:
        """Create the empty table."""
        return file.mktree(self._table, dict(dtypes), initial_basket_capacity=_BASKETS_AT_FIRST)

    def _append(self, chunk: Mapping[str, NDArray[Any]], n_rows: int) -> None:
        self._rows.extend(
            {
                name: np.ascontiguousarray(chunk[name], dtype=np.dtype(column.dtype))
                for name, column in self._columns.items()
            }
        )


class TreeWriter(RootWriter):
    """Writes a tree (TTree), jagged columns included."""

    def _check_jagged(self) -> None:
        alone = [name for name, column in self._columns.items() if column.is_jagged and not column.collection]
        if alone:
            message = (
                f"column '{alone[0]}' cannot be written to {self.path}: it is jagged and belongs to no "
                "collection. Name the collection, whose columns share one branch of counts."
            )
            raise DataError(message)

    def _create(self, file: Any, dtypes: Mapping[str, np.dtype[Any]]) -> Any:
        branches: dict[str, Any] = dict(dtypes)
        for collection, names in self._collections().items():
            fields = ", ".join(f'"{name}": {np.dtype(self._columns[name].dtype).name}' for name in names)
            branches[collection] = f"var * {{{fields}}}"
        return file.mktree(
            self._table,
            branches,
            initial_basket_capacity=_BASKETS_AT_FIRST,
            counter_name=lambda collection: f"n_{collection}",
            field_name=lambda _, name: name,
        )

    def _append(self, chunk: Mapping[str, Any], n_rows: int) -> None:
        rows: dict[str, Any] = {
            name: np.ascontiguousarray(chunk[name], dtype=np.dtype(column.dtype))
            for name, column in self._columns.items()
            if not column.is_jagged
        }
        for collection, names in self._collections().items():
            rows[collection] = self._make_records(collection, {name: chunk[name] for name in names})
        self._rows.extend(rows)

    def _collections(self) -> dict[str, list[str]]:
        """Return the jagged columns of each collection, in the order of the columns."""
        collections: dict[str, list[str]] = {}
        for name, column in self._columns.items():
            if column.is_jagged and column.collection:
                collections.setdefault(column.collection, []).append(name)
        return collections

    def _make_records(self, collection: str, columns: Mapping[str, Jagged]) -> Any:
        """Return the objects of the events of a chunk, as uproot takes them."""
        import awkward as ak

        offsets = next(iter(columns.values())).offsets
        for name, column in columns.items():
            if not np.array_equal(column.offsets, offsets):
                message = (
                    f"collection '{collection}' cannot be written to {self.path}: '{name}' and "
                    f"'{next(iter(columns))}' differ in their numbers of objects, expected the same."
                )
                raise DataError(message)
        contents = [
            ak.contents.NumpyArray(column.content.astype(self._columns[name].dtype))
            for name, column in columns.items()
        ]
        records = ak.contents.RecordArray(contents, list(columns))
        return ak.Array(ak.contents.ListOffsetArray(ak.index.Index64(offsets), records))
