"""Raw columns in the graph: its inputs, and stacks of them as float64 rows ``(n_columns, n)``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from rapidity.artefact.graph import ELEMENT_TYPES
from rapidity.core.errors import ExportError, shorten

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rapidity.artefact.graph import GraphBuilder

Signature = Literal["columns", "matrix"]
SCOPE = "columns"
MATRIX_INPUT = "columns"
"""Name of the one input with the signature `matrix`."""


class ColumnSource(Protocol):
    """Where the preparation takes raw columns from."""

    def stack(self, names: tuple[str, ...]) -> str:
        """Return the value that holds these columns as float64 rows ``(len(names), n)``."""
        ...


class SeparateColumns:
    """One input ``[n]`` a column, in the column's own type; ``[n, ...]`` for a column of images."""

    def __init__(
        self,
        graph: GraphBuilder,
        dtypes: Mapping[str, str],
        shapes: Mapping[str, tuple[int, ...]] | None = None,
    ) -> None:
        self.graph, self.dtypes = graph, dtypes
        for name, dtype in dtypes.items():
            graph.add_input(name, dtype, ["n", *(shapes or {}).get(name, ())])

    def stack(self, names: tuple[str, ...]) -> str:
        """Join columns of one type before the cast, so that a wide table takes three nodes."""
        kinds = {self.dtypes[name] for name in names}
        values = list(names)
        if len(kinds) > 1:
            values = [cast(self.graph, name, self.dtypes[name], "float64", SCOPE) for name in names]
        joined = values[0] if len(values) == 1 else self.graph.add("Concat", values, scope=SCOPE, axis=0)
        # Joined end to end and cut into rows: the quickest way from n_columns vectors to a matrix.
        shape = self.graph.constant(np.array([len(names), -1], np.int64), f"{SCOPE}/shape")
        rows = self.graph.add("Reshape", [joined, shape], scope=SCOPE)
        return cast(self.graph, rows, "float64" if len(kinds) > 1 else kinds.pop(), "float64", SCOPE)


class MatrixColumns:
    """One input ``columns [n, n_columns]``."""

    def __init__(
        self,
        graph: GraphBuilder,
        dtypes: Mapping[str, str],
        shapes: Mapping[str, tuple[int, ...]] | None = None,
    ) -> None:
        if shapes:
            message = (
                f"the signature matrix has one number a column, but {shorten(shapes)} hold images. "
                "Set deliver.signature to columns: each column is then an input of its own."
            )
            raise ExportError(message)
        self.graph = graph
        self.order = {name: position for position, name in enumerate(dtypes)}
        self.dtype = matrix_dtype(dtypes)
        graph.add_input(MATRIX_INPUT, self.dtype, ["n", len(dtypes)])
        self._rows = ""

    def stack(self, names: tuple[str, ...]) -> str:
        """Pick rows out of the transposed matrix."""
        if not self._rows:
            exact = cast(self.graph, MATRIX_INPUT, self.dtype, "float64", SCOPE)
            self._rows = self.graph.add("Transpose", [exact], scope=SCOPE, perm=[1, 0])
        if names == tuple(self.order):
            return self._rows
        positions = np.array([self.order[name] for name in names], np.int64)
        index = self.graph.constant(positions, f"{SCOPE}/positions")
        return self.graph.add("Gather", [self._rows, index], scope=SCOPE, axis=0)


def matrix_dtype(dtypes: Mapping[str, str]) -> str:
    """Return the type of a matrix of all columns: float64 if float32 would lose digits of any.

    Examples
    --------
    >>> matrix_dtype({"pt": "float32"}), matrix_dtype({"pt": "float32", "run": "int64"})
    ('float32', 'float64')
    """
    return "float32" if set(dtypes.values()) <= {"float32"} else "float64"


def cast(graph: GraphBuilder, value: str, old: str, new: str, scope: str) -> str:
    """Return the value in another type; without a node if it has it already."""
    return value if old == new else graph.add("Cast", [value], scope=scope, to=ELEMENT_TYPES[new])
