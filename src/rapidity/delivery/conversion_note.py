"""Whether events to be scored are what a model was trained on, if that was a converted file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from rapidity.core.errors import shorten
from rapidity.core.jagged import Jagged, JaggedType
from rapidity.data.conversion.changes import Changes, ColumnChange, read_conversion

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from rapidity.data.readers import Reader

CONVERSION = "rapidity.conversion"
"""Where a model says what a conversion did to its columns."""
LOOKED_AT = 1000
"""Entries that tell whether objects are in order."""


def note_conversion(
    metadata: Mapping[str, str], reader: Reader, mapped: Collection[str] = ()
) -> tuple[str, ...]:
    """Return warnings about a file that has plain what the model was trained on after a conversion.

    Parameters
    ----------
    metadata
        Of the model.
    mapped
        Columns of the model that the user has said what they are.
    """
    changes: Changes | None = json.loads(metadata.get(CONVERSION, "null"))
    if changes is None or read_conversion(reader.path) is not None:
        return ()
    notes = []
    of_text: dict[str, list[str]] = {}
    for name, change in changes["columns"].items():
        text = _say(change, reader) if name not in mapped else ""
        if text:
            of_text.setdefault(text, []).append(name)
    if of_text:
        listed = "; ".join(f"{shorten(names)}: {text}" for text, names in of_text.items())
        notes.append(
            f"the model was trained on converted events ({listed}), but {reader.path.name} is taken as it "
            "is. Convert these events alike and score that file (source_file and source_entry lead back), "
            "or say in --columns what makes them the same"
        )
    if changes["selections"]:
        notes.append(
            "the events that the model was trained on were selected by their conversion "
            f"({shorten(changes['selections'])}), of which `pass` knows nothing"
        )
    return tuple(notes)


def _say(change: ColumnChange, reader: Reader) -> str:
    said = []
    if "expression" in change:
        said.append(f"computed as `{change['expression']}`")
    if "select" in change:
        said.append(f"only objects with `{change['select']}`")
    if "order_by" in change and not _is_in_order(reader, change["order_by"]):
        said.append(f"ordered by {change['order_by']}")
    if "n_objects" in change:
        said.append(f"at most {change['n_objects']} objects")
    return ", ".join(said)


def _is_in_order(reader: Reader, column: str) -> bool:
    """Whether the objects of the first entries stand in this order already, as far as can be told."""
    info = reader.columns.get(column)
    if info is None or not info.holds_objects:
        return False
    stop = LOOKED_AT if reader.n_entries is None else min(LOOKED_AT, reader.n_entries)
    for chunk in reader.read({column: JaggedType(np.dtype(np.float64))}, entries=(0, stop)):
        values: Jagged = chunk[column]
        rises = np.diff(values.content) > 0
        borders = values.offsets[1:-1]
        rises[borders[(borders > 0) & (borders < len(values.content))] - 1] = False
        if rises.any():
            return False
    return True
