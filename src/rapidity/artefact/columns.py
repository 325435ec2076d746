"""Raw columns in the graph: its inputs, and stacks of them as float64 rows ``(n_columns, n)``.

Columns of objects are inputs ``[n, objects]``, of which the first ``n_<collection>`` values of an event
count, and what stands behind them means nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from rapidity.artefact.graph import ELEMENT_TYPES
from rapidity.core.errors import ExportError, shorten

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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

    def objects(self, name: str) -> str:
        """Return the value that holds a column of objects, float64 ``(n, objects)``."""
        ...

    def is_object(self, collection: str) -> str:
        """Return the value that says where there is an object, bool ``(n, objects)``."""
        ...


class SeparateColumns:
    """One input ``[n]`` a column, in the column's own type.

    A column of images is ``[n, ...]``, one of objects ``[n, objects]``; each collection has an input ``[n]``
    of counts, int64.
    """

    def __init__(
        self,
        graph: GraphBuilder,
        dtypes: Mapping[str, str],
        shapes: Mapping[str, tuple[int, ...]] | None = None,
        collections: Mapping[str, str] | None = None,
    ) -> None:
        self.graph, self.dtypes, self.collections = graph, dtypes, collections or {}
        self.counts = name_counts(self.collections, dtypes)
        self._is_object: dict[str, str] = {}
        for name, dtype in dtypes.items():
            objects = [f"objects_{self.collections[name]}"] if name in self.collections else []
            graph.add_input(name, dtype, ["n", *(shapes or {}).get(name, ()), *objects])
        for count in self.counts.values():
            graph.add_input(count, "int64", ["n"])

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

    def objects(self, name: str) -> str:
        """Cast the input."""
        return cast(self.graph, name, self.dtypes[name], "float64", SCOPE)

    def is_object(self, collection: str) -> str:
        """Compare the position of each value with the count of its event."""
        if collection not in self._is_object:
            self._is_object[collection] = self._compare_with_counts(collection)
        return self._is_object[collection]

    def _compare_with_counts(self, collection: str) -> str:
        member = next(name for name, other in self.collections.items() if other == collection)
        whole = {value: self.graph.constant(np.array(value, np.int64), f"{SCOPE}/whole") for value in (0, 1)}
        shape = self.graph.add("Shape", [member], scope=SCOPE, start=1, end=2)
        width = self.graph.add("Squeeze", [shape], scope=SCOPE)
        positions = self.graph.add("Range", [whole[0], width, whole[1]], scope=SCOPE)
        last = self.graph.constant(np.array([1], np.int64), f"{SCOPE}/last_axis")
        counts = self.graph.add("Unsqueeze", [self.counts[collection], last], scope=SCOPE)
        return self.graph.add("Less", [positions, counts], scope=SCOPE)


class MatrixColumns:
    """One input ``columns [n, n_columns]``."""

    def __init__(
        self,
        graph: GraphBuilder,
        dtypes: Mapping[str, str],
        shapes: Mapping[str, tuple[int, ...]] | None = None,
        collections: Mapping[str, str] | None = None,
    ) -> None:
        check_signature("matrix", shapes or {}, collections or {})
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

    def objects(self, name: str) -> str:
        """Refuse: a matrix has no place for objects, as `check_signature` says."""
        raise NotImplementedError

    def is_object(self, collection: str) -> str:
        """Refuse: a matrix has no place for objects, as `check_signature` says."""
        raise NotImplementedError


def check_signature(
    signature: Signature, shapes: Mapping[str, tuple[int, ...]], collections: Mapping[str, str]
) -> None:
    """Raise an ExportError if a signature has no place for some of the columns.

    Parameters
    ----------
    shapes, collections
        Columns of images with the shape of one; columns of objects with their collection.
    """
    if signature != "matrix" or not (shapes or collections):
        return
    found = (
        f"{shorten(shapes)} hold images"
        if shapes
        else f"{shorten(collections)} hold a value for each object of a collection"
    )
    message = (
        f"the signature matrix has one number a column, but {found}. "
        "Set deliver.signature to columns: each column is then an input of its own."
    )
    raise ExportError(message)


def name_counts(collections: Mapping[str, str], columns: Sequence[str] | Mapping[str, str]) -> dict[str, str]:
    """Return collection -> name of the input that says how many objects each event has.

    Parameters
    ----------
    collections
        Column of objects -> its collection.
    columns
        All columns that are inputs themselves; one of them may be called as the count would be.

    Examples
    --------
    >>> name_counts({"jet_pt": "jets", "sv_pt": "sv"}, ["jet_pt", "sv_pt", "n_sv"])
    {'jets': 'n_jets', 'sv': 'n_sv_objects'}
    """
    names = {}
    for collection in dict.fromkeys(collections.values()):
        name = f"n_{collection}"
        while name in columns:
            name += "_objects"
        names[collection] = name
    return names


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
