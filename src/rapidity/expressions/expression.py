"""A feature or a cut as the user wrote it, ready to be evaluated."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import ExpressionError, MissingNameError, closest, shorten
from rapidity.core.namespace import NUMPY, ArrayNamespace
from rapidity.expressions.parser import parse
from rapidity.expressions.tree import Column, Term, column_names, evaluate

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

    def evaluate(self, columns: Mapping[str, Any], xp: ArrayNamespace = NUMPY) -> Any:
        """Return the value for each event, shape ``(n_events,)``: float64, int64 or bool.

        Parameters
        ----------
        columns
            Column name -> values ``(n_events,)``. With NumPy, floating columns are computed with as
            float64, whole-numbered ones stay int64 (so that ``event % 10`` is exact).
        xp
            NumPy, or a namespace of the same functions over values of its own.

        Raises
        ------
        MissingNameError
            If a column is not there.

        Examples
        --------
        >>> expression = parse_expression("sqrt(px**2 + py**2) > 4")
        >>> expression.evaluate({"px": np.array([3.0, 1.0]), "py": np.array([4.0, 2.0])})
        array([ True, False])
        """
        values = {name: self._find(columns, name) for name in self.columns}
        if xp is not NUMPY:
            return evaluate(self.term, values, xp)
        exact = {name: _widen(value) for name, value in values.items()}
        # Undefined results (0/0, log(-1)) become NaN or infinities, which the preparation treats.
        with np.errstate(all="ignore"):
            return evaluate(self.term, exact, xp)

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


def parse_expression(text: str, objects: Mapping[str, Mapping[str, str]] | None = None) -> Expression:
    """Return the expression that `text` writes down; nothing in it is ever executed as Python.

    Parameters
    ----------
    text
        Python's notation: arithmetic, comparisons, ``and``/``or``/``not`` (or ``&``, ``|``, ``~`` between
        conditions), ``a if condition else b``, the functions of `FUNCTIONS`, numbers and ``pi``. Every other
        name is a column; names that are no identifiers stand in backticks.
    objects
        Object name -> component (``px``, ``pt``, ``mass``, ...) -> column or expression.

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
    term = parse(text, objects or {})
    columns = tuple(dict.fromkeys(column_names(term)))
    if not columns:
        message = f"expression '{text}' names no column: it is the same for every event. Use a column in it."
        raise ExpressionError(message)
    return Expression(text=text, term=term, columns=columns)
