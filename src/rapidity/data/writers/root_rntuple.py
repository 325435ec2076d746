"""RNTuples of numbers: one field a column, one cluster a chunk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rapidity.data.writers.root_tree import RootWriter

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np


class RNTupleWriter(RootWriter):
    """Writes an RNTuple, ROOT's successor of the tree."""

    def _create(self, file: Any, dtypes: Mapping[str, np.dtype[Any]]) -> Any:
        return file.mkrntuple(self._table, dict(dtypes))
