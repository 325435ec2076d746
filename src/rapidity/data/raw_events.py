"""Raw columns of the training events, to be changed and then prepared once more."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import DataError
from rapidity.core.jagged import Jagged
from rapidity.data.collections import iterate_chunks, pick_rows
from rapidity.data.fitted_outputs import FittedOutputs
from rapidity.data.split import SplitRows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from rapidity.core.records import FloatArray
    from rapidity.data.preparation import FittedPreparation
    from rapidity.data.split import TrainRows


TRUTH = "\0truth of "
"""Begins the name of what is true of objects among columns, none of which has this character."""


def truth_column(output: str) -> str:
    """Return what the truth of the objects for an output is called among the columns of its collection."""
    return TRUTH + output


@dataclass(frozen=True)
class RawTrainingEvents:
    """The columns of the training split that are changed before training sees them.

    Attributes
    ----------
    rows
        The training events.
    preparation
        Fitted to the events as they are; it is not fitted again to changed ones.
    changed
        Columns that change. Inputs that need none of them are not prepared anew.
    further
        Other columns that a change is computed from.
    outputs
        Of which those are made anew whose targets depend on the objects that a cloud keeps; None: a single
        classification.
    """

    rows: TrainRows
    preparation: FittedPreparation
    changed: Sequence[str]
    further: Sequence[str] = ()
    outputs: FittedOutputs | None = None

    @cached_property
    def _affected(self) -> FittedPreparation:
        """The preparation of the inputs that change."""
        affected = {
            name: fitted
            for name, fitted in self.preparation.inputs.items()
            if set(fitted.columns) & set(self.changed)
        }
        return replace(self.preparation, inputs=affected)

    @cached_property
    def _assignments(self) -> FittedOutputs:
        """The outputs that ask for a class of each object of a cloud that changes."""
        listed = {} if self.outputs is None else self.outputs.assignments
        return FittedOutputs(
            {name: one for name, one in listed.items() if one.cloud in self._affected.inputs}
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are picked: those that change, are computed with, or stand in changing inputs."""
        of_inputs = (column for fitted in self._affected.inputs.values() for column in fitted.columns)
        truths = (truth_column(name) for name in self._assignments.outputs)
        return tuple(dict.fromkeys([*self.changed, *self.further, *of_inputs, *truths]))

    @cached_property
    def stored(self) -> dict[str, Any]:
        """All columns of the table, with the truth of objects among them."""
        table = self.rows.table
        return {
            **table.columns,
            **{truth_column(name): table.targets[name] for name in self._assignments.outputs},
        }

    @cached_property
    def identity(self) -> str:
        """A hash of the columns."""
        digest = hashlib.blake2b(digest_size=16)
        for name in self.columns:
            digest.update(name.encode())
            for _, chunk in iterate_chunks(self.stored, [name], self.rows.rows):
                values = chunk[name]
                listed = (values.content, values.offsets) if isinstance(values, Jagged) else (values,)
                for array in listed:
                    digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def pick(self, rows: NDArray[np.int64], columns: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return a copy of the columns of some events, by their numbers in the training split.

        `columns`: those of some events, of which the rows are then meant.
        """
        if columns is not None:
            return pick_rows(columns, self.columns, rows)
        return pick_rows(self.stored, self.columns, self.rows.rows[rows])

    def prepare(
        self, columns: Mapping[str, Any], rows: NDArray[np.int64]
    ) -> tuple[dict[str, FloatArray], dict[str, NDArray[Any]]]:
        """Return the inputs that need changed columns, and the targets that do.

        Parameters
        ----------
        rows
            Which events they are, for messages.

        Raises
        ------
        DataError
            If a change made a feature NaN or infinite, and the configuration refuses that.
        """

        def name_row(row: int) -> str:
            return self.rows.table.name_row(int(self.rows.rows[rows[row]]))

        try:
            inputs = self._affected.apply(columns, name_row=name_row)
        except DataError as error:
            message = (
                f"training.augmentation has changed the events so that there are {error}\n  Change them less "
                "(`keep` of drop_objects leaves the first objects in place), or let such values count as "
                "missing."
            )
            raise DataError(message) from error
        truths = {name: columns[truth_column(name)] for name in self._assignments.outputs}
        changed = SplitRows(replace(self.rows.table, columns=columns, targets=truths), np.arange(len(rows)))
        return inputs, self._assignments.make_targets(changed, self.preparation)
