"""Prepared events as the engines take them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rapidity.core.records import Batch

if TYPE_CHECKING:
    from rapidity.core.records import FloatArray
    from rapidity.data.preparation import FittedPreparation
    from rapidity.data.split import SplitRows

OUTPUT_NAME = "class"
"""Name of the usual single output, and of its target."""


def make_batch(rows: SplitRows, preparation: FittedPreparation, weights: FloatArray | None = None) -> Batch:
    """Return all events of a split as one batch: prepared inputs, class indices, training weights.

    Parameters
    ----------
    weights
        Training weight of each of the rows ``(n_events,)``, or None where all are 1.
    """
    return Batch(
        inputs=preparation.apply(rows.table.columns, rows.rows, name_row=rows.table.name_row),
        targets={OUTPUT_NAME: rows.class_index},
        training_weight=weights,
    )
