"""Prepared events as the engines take them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rapidity.core.records import Batch
from rapidity.data.fitted_outputs import CLASS_OUTPUT, FittedOutputs

if TYPE_CHECKING:
    from rapidity.core.records import FloatArray
    from rapidity.data.preparation import FittedPreparation
    from rapidity.data.split import SplitRows

OUTPUT_NAME = CLASS_OUTPUT
"""Name of the usual single output, and of its target."""


def make_batch(
    rows: SplitRows,
    preparation: FittedPreparation,
    weights: FloatArray | None = None,
    outputs: FittedOutputs | None = None,
) -> Batch:
    """Return all events of a split as one batch: prepared inputs, targets, training weights.

    Parameters
    ----------
    weights
        Training weight of each of the rows ``(n_events,)``, or None where all are 1.
    outputs
        Whose targets they get; None: a single classification.
    """
    return Batch(
        inputs=preparation.apply(rows.table.columns, rows.rows, name_row=rows.table.name_row),
        targets=(outputs or FittedOutputs.usual(rows.table.classes)).make_targets(rows, preparation),
        training_weight=weights,
    )
