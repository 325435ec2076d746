"""Columns of events: arrays with a value for each event, or jagged ones with a value for each object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.jagged import Jagged

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from rapidity.samples.sample import EventColumns

VALUES, OFFSETS = "values:", "offsets:"


def concatenate_columns(parts: Iterable[EventColumns]) -> EventColumns:
    """Return the events of all parts, which have the same columns, in their order; one part is needed."""
    listed = list(parts)
    return {name: _concatenate([part[name] for part in listed]) for name in listed[0]}


def _concatenate(parts: Sequence[NDArray[Any] | Jagged]) -> NDArray[Any] | Jagged:
    jagged = [part for part in parts if isinstance(part, Jagged)]
    if jagged:
        return Jagged.concatenate(jagged)
    return np.concatenate([part for part in parts if not isinstance(part, Jagged)])


def take_events(columns: Mapping[str, NDArray[Any] | Jagged], rows: slice) -> EventColumns:
    """Return some of the events."""
    return {name: values[rows] for name, values in columns.items()}


def to_arrays(columns: Mapping[str, NDArray[Any] | Jagged]) -> dict[str, NDArray[Any]]:
    """Return the columns as plain arrays, which `from_arrays` turns back.

    Examples
    --------
    >>> arrays = to_arrays({"jet_pt": Jagged.from_counts(np.array([50.0, 30.0]), np.array([0, 2]))})
    >>> {name: values.tolist() for name, values in arrays.items()}
    {'values:jet_pt': [50.0, 30.0], 'offsets:jet_pt': [0, 0, 2]}
    >>> from_arrays(arrays)["jet_pt"].counts.tolist()
    [0, 2]
    """
    arrays: dict[str, NDArray[Any]] = {}
    for name, column in columns.items():
        if isinstance(column, Jagged):
            arrays[VALUES + name], arrays[OFFSETS + name] = column.content, column.offsets
        else:
            arrays[VALUES + name] = column
    return arrays


def from_arrays(arrays: Mapping[str, NDArray[Any]]) -> EventColumns:
    """Return the columns that `to_arrays` was given; other arrays are left out."""
    columns: EventColumns = {}
    for key in arrays:
        if key.startswith(VALUES):
            name, values = key.removeprefix(VALUES), arrays[key]
            offsets = OFFSETS + name
            columns[name] = Jagged(values, arrays[offsets]) if offsets in arrays else values
    return columns
