"""Trees (TTree) of numbers: one branch a column, one basket a branch for each chunk."""

from __future__ import annotations

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

_BASKETS_AT_FIRST = 50
"""Room in the tree's directory of baskets: whenever it is full, uproot writes it anew."""


class RootWriter(Writer):
    """Writes one table of numbers and truth values into a ROOT file.

    Attributes become a ``TObjString`` each. A `table` is the name of the tree or RNTuple.
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
        file = opened.enter_context(create_root(temporary, self._attributes))
        dtypes = {name: np.dtype(column.dtype) for name, column in self._columns.items()}
        self._rows = self._create(file, dtypes)

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
    """Writes a tree (TTree)."""
