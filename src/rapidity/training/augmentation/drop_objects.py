"""Objects that are not found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.jagged import Jagged

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray


class Dropping:
    """Takes objects out of collections, each by itself; the others keep their values and their order.

    Parameters
    ----------
    collections
        Collection -> its jagged columns.
    count_columns
        Collection -> columns of one value an event that hold its number of objects, which follow.
    probability
        Of each object to be dropped.
    keep
        The first objects of each event, so many, stay.
    """

    def __init__(
        self,
        collections: Mapping[str, Sequence[str]],
        count_columns: Mapping[str, Sequence[str]],
        probability: float,
        keep: int,
    ) -> None:
        self._collections = collections
        self._count_columns = count_columns
        self._probability = probability
        self._keep = keep

    @property
    def reads(self) -> tuple[str, ...]:
        """Columns that are computed with: all that change."""
        listed = [*self._collections.values(), *self._count_columns.values()]
        return tuple(dict.fromkeys(name for names in listed for name in names))

    @property
    def changes(self) -> tuple[str, ...]:
        """Columns that change."""
        return self.reads

    def apply(self, columns: dict[str, Any], rng: np.random.Generator) -> None:
        """Replace the columns by new ones."""
        for collection, names in self._collections.items():
            offsets = columns[names[0]].offsets
            is_kept = self._choose(offsets, rng)
            kept_before = np.concatenate([[0], np.cumsum(is_kept)])
            new_offsets = kept_before[offsets]
            for name in names:
                columns[name] = Jagged(columns[name].content[is_kept], new_offsets)
            for name in self._count_columns.get(collection, ()):
                columns[name] = np.diff(new_offsets).astype(columns[name].dtype)

    def _choose(self, offsets: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.bool_]:
        n_objects = int(offsets[-1])
        number = np.arange(n_objects) - np.repeat(offsets[:-1], np.diff(offsets))
        is_kept: NDArray[np.bool_] = (rng.random(n_objects) >= self._probability) | (number < self._keep)
        return is_kept
