"""The rows of the output that a part holds: what is stored in it, and what follows from where it is from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.jagged import Jagged
from rapidity.data.conversion.part_file import read_part

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from rapidity.data.conversion.plan import PartPlan, PlannedCollection


@dataclass(frozen=True)
class PartOrigin:
    """What the rows of a part have in common.

    Attributes
    ----------
    file_code, class_code
        Positions of its file and class in their lists.
    factor
        What its generator weights are multiplied by.
    """

    file_code: int
    class_code: int
    factor: float


@dataclass(frozen=True)
class RowReader:
    """Makes rows of the output from part files.

    Attributes
    ----------
    plan
        Of any sample: the columns are the same in all.
    widths
        Objects that each collection has room for, in formats that pad them.
    names
        The columns of the output, in their order.
    """

    plan: PartPlan
    widths: Mapping[str, int]
    names: tuple[str, ...]

    def read(self, path: Path, origin: PartOrigin) -> Iterator[dict[str, Any]]:
        """Yield the rows of a part, one chunk of them at a time."""
        for arrays in read_part(path):
            rows = self._rows(iter(arrays), origin)
            arrays.clear()
            yield rows
            rows.clear()  # before the next ones are read

    def _rows(self, arrays: Any, origin: PartOrigin) -> dict[str, Any]:
        plan = self.plan
        entries = next(arrays)
        n_events = len(entries)
        rows: dict[str, Any] = {}
        if plan.generator_weight is not None:
            rows["event_weight"] = next(arrays) * origin.factor
        counts = {collection.name: next(arrays) for collection in plan.collections}
        of_name = {collection.name: collection for collection in plan.collections}
        for column in plan.columns:
            values = next(arrays)
            if column.collection is not None:
                values = self._lay_out(values, of_name[column.collection], counts[column.collection])
            rows[column.name] = values
        for collection in plan.collections:
            rows[collection.count_name] = counts[collection.name]
        if "class" in self.names:
            rows["class"] = np.full(n_events, origin.class_code, np.int32)
        rows["source_file"] = np.full(n_events, origin.file_code, np.int32)
        rows["source_entry"] = entries
        return {name: rows[name] for name in self.names}

    def _lay_out(self, values: NDArray[Any], collection: PlannedCollection, counts: NDArray[np.int32]) -> Any:
        """Return the values of objects as the output keeps them: in rows, or end to end."""
        if self.plan.width_of(collection) is not None:
            return values
        jagged = Jagged.from_counts(values, counts)
        return jagged.padded(self.widths[collection.name]) if self.plan.is_padded else jagged
