"""Which objects of the events a cloud keeps, and where each of them stands in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.namespace import NUMPY, ArrayNamespace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from rapidity.core.jagged import Jagged
    from rapidity.data.clouds import CloudColumns

LOWEST = -1.7976931348623157e308
"""The key of objects that cannot be ordered: the smallest float64, above the -inf of what is not kept."""


@dataclass(frozen=True)
class KeptObjects:
    """The objects of some events that are kept, event by event in the order of the cloud.

    Attributes
    ----------
    places
        Where each of them stands in the columns end to end ``(n_kept,)``.
    rows, positions
        Its event, and its place in the cloud ``(n_kept,)``.
    n_found
        How many objects of each event fulfil the selection ``(n_events,)``; more than are kept where some
        are left out.
    """

    places: NDArray[np.int64]
    rows: NDArray[np.int64]
    positions: NDArray[np.int64]
    n_found: NDArray[np.int64]


def keep_objects(cloud: CloudColumns, columns: Mapping[str, Any]) -> KeptObjects:
    """Return the objects of a cloud: those selected, ordered, and of these the first `n_objects`.

    Objects that are equal in the order stay in that of the file; where the order is NaN they come last. The
    same is done in the exported model (`artefact.clouds`).

    Parameters
    ----------
    columns
        Raw column -> values of some events, float64; those of the collection are `Jagged`.
    """
    offsets = find_offsets(cloud, columns)
    counts = np.diff(offsets)
    event_of = np.repeat(np.arange(len(counts)), counts)
    places = np.arange(int(offsets[-1]))
    if cloud.selection is not None:
        places = np.flatnonzero(cloud.selection.evaluate(columns).content)
        event_of = event_of[places]
        counts = np.bincount(event_of, minlength=len(counts))
    if cloud.order_by is not None:
        key = sort_key(cloud.order_by.evaluate(columns).content[places])
        order = np.lexsort((-key, event_of))
        places = places[order]
    first = np.cumsum(counts) - counts
    positions = np.arange(len(places)) - np.repeat(first, counts)
    is_kept = positions < cloud.n_objects
    return KeptObjects(places[is_kept], event_of[is_kept], positions[is_kept], counts)


def count_selected(cloud: CloudColumns, columns: Mapping[str, Any]) -> NDArray[np.int64]:
    """Return how many objects of each event fulfil the selection, be they kept or not, ``(n_events,)``."""
    offsets = find_offsets(cloud, columns)
    if cloud.selection is None:
        return np.diff(offsets)
    is_selected = cloud.selection.evaluate(columns).content
    passed = np.concatenate([[0], np.cumsum(is_selected)])
    return np.diff(passed[offsets])


def find_offsets(cloud: CloudColumns, columns: Mapping[str, Any]) -> NDArray[np.int64]:
    """Return where the objects of each event begin in the columns of the cloud."""
    collections = cloud.features[0].expression.column_collections
    name = next(name for name, collection in collections.items() if collection == cloud.collection)
    column: Jagged = columns[name]
    return column.offsets


def sort_key(values: Any, xp: ArrayNamespace = NUMPY) -> Any:
    """Return what objects are ordered by, largest first: NaN last, and nothing as low as -inf.

    Examples
    --------
    >>> sort_key(np.array([2.0, np.nan, np.inf])).argsort().tolist()
    [1, 0, 2]
    """
    return xp.where(xp.isnan(values), LOWEST, xp.maximum(values, LOWEST))
