"""Which column holds the classes, and how many entries each class has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import DataError, MissingNameError, closest, shorten
from rapidity.core.jagged import Jagged
from rapidity.data.inspection.columns import name_value
from rapidity.data.inspection.summary import ClassBalance

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from rapidity.data.readers import Reader

_NAMES = (
    "class", "label", "labels", "target", "y", "category", "truth", "is_signal", "is_sig", "signal",
    "process", "process_id", "response", "particle", "species", "flavour", "flavor", "type", "sample",
)  # fmt: skip
"""Names of columns that look like one of classes, the likeliest first; case and underscores do not count."""
_MAX_CLASSES = 100
_MAX_GUESSED = 20


def find_class_balance(
    reader: Reader, values: Mapping[str, NDArray[Any] | Jagged], target: str | None
) -> ClassBalance | None:
    """Return the classes of a column, or of the one that looks like it; None if none does.

    Parameters
    ----------
    target
        The column of classes; None: one that is called like it, or the only text with few values.

    Raises
    ------
    DataError
        If the column is not there, is none of one value an event, or holds more than 100 different values.
    """
    name = _guess(values) if target is None else target
    if name is None:
        return None
    column = values.get(name)
    if column is None or isinstance(column, Jagged):
        raise _refuse(reader, name)
    distinct, counts = _count(column)
    if len(distinct) > _MAX_CLASSES:
        message = (
            f"column '{name}' of {reader.where} holds {len(distinct)} different values, expected at most "
            f"{_MAX_CLASSES} classes. Give the column of classes."
        )
        raise DataError(message)
    order = np.argsort(-counts, kind="stable")
    labels = reader.columns[name].labels
    classes = tuple((name_class(distinct[index].item(), labels), int(counts[index])) for index in order)
    return ClassBalance(name, target is None, classes)


def name_class(value: Any, labels: Sequence[str]) -> str:
    """Return the value, and the name of a code that the file states."""
    shown = name_value(value)
    is_code = not isinstance(value, str) and value in range(len(labels))
    return f"{shown} ({labels[int(value)]})" if is_code else shown


def _refuse(reader: Reader, name: str) -> DataError:
    if name in reader.columns:
        kind = reader.columns[name].kind
        return DataError(
            f"column '{name}' of {reader.where} ({kind}) cannot hold the classes: expected one value per "
            "event. Give another column."
        )
    near = ", ".join(repr(found) for found in closest(name, reader.columns))
    hint = f"Closest: {near}." if near else f"Columns: {shorten(reader.columns)}."
    return MissingNameError(
        f"column '{name}' is not in {reader.where} ({len(reader.columns)} columns).\n  {hint}"
    )


def _guess(values: Mapping[str, NDArray[Any] | Jagged]) -> str | None:
    plain = {name: column for name, column in values.items() if not isinstance(column, Jagged)}
    called = {name.lower().replace("_", ""): name for name in plain}
    for likely in _NAMES:
        name = called.get(likely.replace("_", ""))
        if name is not None and _may_be_classes(plain[name]):
            return name
    texts = [name for name, column in plain.items() if column.dtype == object]
    return texts[0] if len(texts) == 1 and _may_be_classes(plain[texts[0]]) else None


def _may_be_classes(column: NDArray[Any]) -> bool:
    if column.dtype.kind == "f" and not (column == np.round(column)).all():
        return False
    n_distinct = len(_count(column)[0])
    return 2 <= n_distinct <= _MAX_GUESSED and len(column) >= 2 * n_distinct


def _count(column: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    values = column.astype(str) if column.dtype == object else column[~np.isnan(column)]
    return np.unique(values, return_counts=True)
