"""What is refused of the events that were read: none of a source or a class, weights that sum to nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.core.errors import DataError, shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rapidity.config.data import DataBlock
    from rapidity.data.table import SourceCounts, Table


def check_selected(counts: Sequence[SourceCounts], data: DataBlock) -> None:
    """Raise a DataError if a source holds no entries, or none of the events is selected."""
    for count in counts:
        if count.n_read == 0:
            message = f"source {count.source} holds no entries. Was the program that writes it stopped early?"
            raise DataError(message)
    if not sum(count.n_kept for count in counts):
        read = "; ".join(f"{count.n_read} entries of {count.source}" for count in counts[:5])
        message = (
            f"data.selection '{data.selection}' keeps none of the events ({read} were read). "
            "Loosen it, and check the units of its numbers: rapidity inspect shows the ranges of the columns."
        )
        raise DataError(message)


def check_classes(table: Table, *, require_all_classes: bool, is_asked: bool) -> None:
    """Raise a DataError if there is one class only and a network asks for it, or a class without events."""
    n_events = np.bincount(table.class_index, minlength=len(table.classes))
    listed = shorten(f"{name} ({n})" for name, n in zip(table.classes.names, n_events, strict=True))
    if len(table.classes) < 2 and is_asked:
        message = (
            f"there is one class only: {listed} events. A classification needs at least two: add a source of "
            "another class, or check data.target and data.selection."
        )
        raise DataError(message)
    absent = [name for name, n in zip(table.classes.names, n_events, strict=True) if not n]
    if absent and require_all_classes:
        message = (
            f"no event of class {shorten(absent)} is left among the selected events. Found: {listed}. "
            "Check data.selection and the names in data.classes, or remove the class."
        )
        raise DataError(message)


def check_event_weight(table: Table, data: DataBlock) -> None:
    """Raise a DataError if the event weights of a class sum to nothing."""
    if table.event_weight is None:
        return
    for index, name in enumerate(table.classes.names):
        weight = table.event_weight[table.class_index == index]
        # Signed weights may cancel but for rounding errors.
        if len(weight) and abs(weight.sum()) <= 1e-12 * np.abs(weight).sum():
            message = (
                f"data.event_weight '{data.event_weight}' sums to {weight.sum():g} over the {len(weight)} "
                "events of "
                f"class '{name}'. Weights must have a sum other than zero: check the expression."
            )
            raise DataError(message)
