"""A feature or a cut as the user wrote it, ready to be evaluated."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import DataError, ExpressionError, MissingNameError, closest, shorten
from rapidity.core.jagged import Jagged, PaddedObjects
from rapidity.core.namespace import NUMPY, ArrayNamespace
from rapidity.expressions.evaluation import evaluate
from rapidity.expressions.flat_layout import FlatLayout
from rapidity.expressions.layout import PerObject
from rapidity.expressions.padded_layout import PaddedLayout
from rapidity.expressions.parser import parse
from rapidity.expressions.tree import Column, Term, columns_of

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Expression:
    """A parsed expression; equal if text and meaning are.

    Attributes
    ----------
    text
        As the user wrote it.
    term
        The tree; see `rapidity.expressions.tree`.
    columns
        The raw columns that it needs, in the order of appearance.
    """

    text: str
    term: Term
    columns: tuple[str, ...] = field(compare=False)

    @property
    def is_column(self) -> bool:
        """Whether it is one column, untouched."""
        return isinstance(self.term, Column)

    @property
    def is_condition(self) -> bool:
        """Whether it gives truth values (a comparison, logic) and not numbers."""
        return self.term.kind == "condition"

    @property
    def collection(self) -> str | None:
        """The collection for each of whose objects it gives a value; None for one value an event."""
        return self.term.shape.collection

    @property
    def is_selection(self) -> bool:
        """Whether it has a value for some of the objects of its collection alone: ``x[x > 30]``."""
        return bool(self.term.shape.selection)

    @property
    def column_collections(self) -> dict[str, str]:
        """The columns that it needs with a value for each object, and their collections."""
        return {
            column.name: column.collection
            for column in columns_of(self.term)
            if column.collection is not None
        }

    @property
    def collections(self) -> tuple[str, ...]:
        """All collections that it reads, in the order of appearance."""
        return tuple(dict.fromkeys(self.column_collections.values()))

    def evaluate(self, columns: Mapping[str, Any], xp: ArrayNamespace = NUMPY) -> Any:
        """Return the value for each event, shape ``(n_events,)``: float64, int64 or bool.

        With a `collection`, the value for each of its objects: a `Jagged` of these types; in other
        namespaces a `PaddedObjects`, in which a selection leaves gaps.

        Parameters
        ----------
        columns
            Column name -> values ``(n_events,)``; columns of a collection as `Jagged`. With NumPy, floating
            columns are computed with as float64, whole-numbered ones stay int64 (so that ``event % 10`` is
            exact).
        xp
            NumPy, or a namespace of the same functions over values of its own; columns of a collection are
            then `PaddedObjects`, and it is an `ObjectNamespace`.

        Raises
        ------
        MissingNameError
            If a column is not there.
        DataError
            If the columns of a collection differ in the number of objects, or a column does not hold
            one value an event or one for each object, as it should.

        Examples
        --------
        >>> expression = parse_expression("sqrt(px**2 + py**2) > 4")
        >>> expression.evaluate({"px": np.array([3.0, 1.0]), "py": np.array([4.0, 2.0])})
        array([ True, False])
        >>> leading = parse_expression("jet_pt[0]", collections={"jet_pt": "jet"})
        >>> leading.evaluate({"jet_pt": Jagged.from_counts(np.array([50.0, 30.0]), np.array([2, 0]))})
        array([50., nan])
        """
        values = {name: self._find(columns, name) for name in self.columns}
        if xp is not NUMPY:
            return _unwrap_padded(evaluate(self.term, _wrap_padded(values, xp), xp))
        exact = self._wrap(values)
        # Undefined results (0/0, log(-1)) become NaN or infinities, which the preparation treats.
        with np.errstate(all="ignore"):
            return _unwrap(evaluate(self.term, exact, xp))

    def _wrap(self, columns: Mapping[str, Any]) -> dict[str, Any]:
        """Return exact values, those of objects with their layout."""
        collections = self.column_collections
        layouts: dict[str, tuple[str, FlatLayout]] = {}
        wrapped: dict[str, Any] = {}
        for name, values in columns.items():
            if isinstance(values, Jagged) != (name in collections):
                raise self._wrong_shape(name, collections.get(name))
            if not isinstance(values, Jagged):
                wrapped[name] = _widen(values)
                continue
            first, layout = layouts.setdefault(
                collections[name], (name, FlatLayout(values.offsets, collections[name]))
            )
            if layout.offsets is not values.offsets and not np.array_equal(layout.offsets, values.offsets):
                raise self._different_counts(collections[name], {first: columns[first], name: values})
            wrapped[name] = PerObject(_widen(values.content), layout)
        return wrapped

    def _wrong_shape(self, name: str, collection: str | None) -> DataError:
        found = "a varying number of values an event" if collection is None else "one value an event"
        expected = "one value an event" if collection is None else f"one for each object of '{collection}'"
        message = (
            f"expression '{self.text}': column '{name}' holds {found}, where it was read with {expected}. "
            "Say which columns have several values when reading the expression (collections)."
        )
        return DataError(message)

    def _different_counts(self, collection: str, columns: Mapping[str, Jagged]) -> DataError:
        (one, a), (other, b) = columns.items()
        n_events = min(len(a), len(b))
        differs = np.flatnonzero(a.counts[:n_events] != b.counts[:n_events])
        where = f"event {differs[0]}" if len(differs) else f"{len(a)} and {len(b)} events"
        counts = f": {a.counts[differs[0]]} and {b.counts[differs[0]]}" if len(differs) else ""
        message = (
            f"expression '{self.text}': columns '{one}' and '{other}' of the collection '{collection}' have "
            f"different numbers of values in {where}{counts}. Columns of one collection describe the "
            "same objects: put these into different ones."
        )
        return DataError(message)

    def _find(self, columns: Mapping[str, Any], name: str) -> Any:
        if name in columns:
            return columns[name]
        near = closest(name, columns)
        hint = f" Closest: {shorten(near)}." if near else ""
        message = (
            f"expression '{self.text}' needs column '{name}', which is not among the {len(columns)} columns "
            f"given.{hint} Correct the name, or read the column too."
        )
        raise MissingNameError(message)


def _widen(values: Any) -> Any:
    array = np.asarray(values)
    if array.dtype.kind == "f":
        return array.astype(np.float64, copy=False)
    return array.astype(np.int64, copy=False) if array.dtype.kind in "iub" else array


def _unwrap(value: Any) -> Any:
    """Return values of the objects that were kept as `Jagged`; those of events stay as they are."""
    if not isinstance(value, PerObject):
        return value
    layout: Any = value.layout
    if value.kept is None:
        return Jagged(value.value, layout.offsets)
    return Jagged.from_counts(value.value[value.kept], layout.count(value.kept))


def _wrap_padded(columns: Mapping[str, Any], xp: Any) -> dict[str, Any]:
    return {
        name: PerObject(values.values, PaddedLayout(values.is_object, values.collection, xp))
        if isinstance(values, PaddedObjects)
        else values
        for name, values in columns.items()
    }


def _unwrap_padded(value: Any) -> Any:
    if not isinstance(value, PerObject):
        return value
    layout: Any = value.layout
    is_object = layout.is_object if value.kept is None else value.kept
    return PaddedObjects(value.value, is_object, layout.collection)


def parse_expression(
    text: str,
    objects: Mapping[str, Mapping[str, str]] | None = None,
    collections: Mapping[str, str] | None = None,
) -> Expression:
    """Return the expression that `text` writes down; nothing in it is ever executed as Python.

    Parameters
    ----------
    text
        Python's notation: arithmetic, comparisons, ``and``/``or``/``not`` (or ``&``, ``|``, ``~`` between
        conditions), ``a if condition else b``, the functions of `FUNCTIONS`, numbers and ``pi``. Every other
        name is a column; names that are no identifiers stand in backticks. Of what has a value for each
        object, ``x[0]`` is one and ``x[condition]`` are some.
    objects
        Object name -> component (``px``, ``pt``, ``mass``, ...) -> column or expression.
    collections
        Column -> collection, for the columns that hold a value for each object of a collection. All others
        hold one value an event.

    Raises
    ------
    ExpressionError
        With the character where it goes wrong, what was found there and what to do.

    Examples
    --------
    >>> lepton = {"pt": "lep_pt", "eta": "lep_eta", "phi": "lep_phi", "mass": "lep_m"}
    >>> parse_expression("pz(lepton) / 1000", {"lepton": lepton}).columns
    ('lep_pt', 'lep_eta')
    """
    term = parse(text, objects or {}, collections or {})
    columns = tuple(dict.fromkeys(column.name for column in columns_of(term)))
    if not columns:
        message = f"expression '{text}' names no column: it is the same for every event. Use a column in it."
        raise ExpressionError(message)
    return Expression(text=text, term=term, columns=columns)
