"""What a probe is to tell apart: the values of an expression over raw columns, as classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.classes import ClassSet
from rapidity.core.errors import DataError, shorten
from rapidity.core.jagged import Jagged
from rapidity.data.targets import ValueCodes, show_value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from rapidity.expressions import Expression

MAX_CLASSES = 50
"""More different values than this are taken for a quantity and not for classes."""
TRUTH_NAMES = ("false", "true")


@dataclass(frozen=True)
class ProbeTarget:
    """The class of each event, for a probe.

    Attributes
    ----------
    text
        The expression as the user wrote it.
    classes
        Its values in ascending order (``false``, ``true`` for a condition), texts after numbers.
    class_index
        For each event the index of its value ``(n_events,)`` int64.
    """

    text: str
    classes: ClassSet
    class_index: NDArray[np.int64]


def make_target(
    expression: Expression, columns: Mapping[str, Any], name_row: Callable[[int], str]
) -> ProbeTarget:
    """Return the classes that an expression divides the events into.

    Parameters
    ----------
    columns
        Raw column name -> values ``(n_events,)``; numbers, or texts where the expression is that column;
        of objects `Jagged`.
    name_row
        Gives file and entry of an event, for messages.

    Raises
    ------
    DataError
        If a column does not hold one number per event, a value is NaN or infinite, all events have the
        same value, or there are more than `MAX_CLASSES` different ones.

    Examples
    --------
    >>> from rapidity.expressions import parse_expression
    >>> target = make_target(parse_expression("label % 2"), {"label": np.array([3, 4, 5])}, str)
    >>> target.classes.names, target.class_index
    (('0', '1'), array([1, 0, 1]))
    """
    _check_columns(expression, columns)
    if expression.is_column:
        values = columns[expression.columns[0]]
    else:
        values = np.asarray(expression.evaluate(columns))
    _refuse_undefined(expression, values, name_row)
    if values.dtype.kind == "b":
        values = np.array(TRUTH_NAMES, dtype=object)[values.astype(np.int64)]
    found = ValueCodes()
    codes = found.encode(values)
    _check_number_of_values(expression, found)
    ordered = sorted(found.values, key=lambda value: (isinstance(value, str), value))
    place = np.empty(len(ordered), dtype=np.int64)
    for index, value in enumerate(ordered):
        place[found.values[value]] = index
    return ProbeTarget(expression.text, ClassSet(tuple(map(show_value, ordered))), place[codes])


def _check_columns(expression: Expression, columns: Mapping[str, Any]) -> None:
    for name in expression.columns:
        values = columns[name]
        if isinstance(values, Jagged):
            continue
        if values.ndim != 1:
            message = (
                f"the target '{expression.text}' of the probe uses column '{name}', which holds "
                f"{' x '.join(map(str, values.shape[1:]))} values per event; expected one number per event."
            )
            raise DataError(message)
        if values.dtype.kind == "O" and not expression.is_column:
            message = (
                f"the target '{expression.text}' of the probe computes with column '{name}', which holds "
                f"text (such as {values[0]!r}); expected numbers. Take the column by itself as target: "
                "its values are then the classes."
            )
            raise DataError(message)


def _refuse_undefined(expression: Expression, values: NDArray[Any], name_row: Callable[[int], str]) -> None:
    if values.dtype.kind == "O":
        is_bad = np.array([value is None or value in ("", "nan") for value in values.tolist()])
    else:
        is_bad = ~np.isfinite(values)
    if is_bad.any():
        row = int(np.flatnonzero(is_bad)[0])
        message = (
            f"the target '{expression.text}' of the probe is {values[row]!r} at {name_row(row)} "
            f"({int(is_bad.sum())} such events). Every event needs a value: write an expression that has "
            "one, such as a comparison (which is false for a missing value)."
        )
        raise DataError(message)


def _check_number_of_values(expression: Expression, found: ValueCodes) -> None:
    shown = shorten((show_value(value) for value in found.values), 5)
    if len(found.values) < 2:
        message = (
            f"the target '{expression.text}' of the probe is {shown} for every event; a probe tells values "
            "apart, so it needs at least two. Change the expression."
        )
        raise DataError(message)
    if len(found.values) > MAX_CLASSES:
        message = (
            f"the target '{expression.text}' of the probe has {len(found.values):,} different values "
            f"({shown}); expected classes, at most {MAX_CLASSES}. Divide them up: compare with something, as "
            f"in `{expression.text} > 0`, or use // and %."
        )
        raise DataError(message)
