"""What is true of the objects of a cloud, in its order; what a network says of them, in that of the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.jagged import Jagged
from rapidity.data.collections import iterate_chunks
from rapidity.data.fitted_cloud import exact_columns
from rapidity.data.kept_objects import count_selected, find_offsets, keep_objects

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from rapidity.data.clouds import CloudColumns
    from rapidity.data.fitted_cloud import FittedCloud
    from rapidity.data.kept_objects import KeptObjects
    from rapidity.data.split import SplitRows


def arrange_objects(cloud: FittedCloud, rows: SplitRows, name: str) -> NDArray[np.int64]:
    """Return the class index of the objects of a cloud, in its order, -1 where there is none.

    Shape ``(n_events, n_objects)``.
    """
    arranged = np.full((rows.n_events, cloud.cloud.n_objects), -1, np.int64)
    for start, kept, truth in _iterate_kept(cloud, rows, name):
        arranged[start + kept.rows, kept.positions] = truth
    return arranged


def find_known_objects(cloud: FittedCloud, rows: SplitRows, name: str) -> NDArray[np.bool_]:
    """Return whether any object that a cloud keeps has a known class ``(n_events,)``."""
    is_known = np.zeros(rows.n_events, np.bool_)
    for start, kept, truth in _iterate_kept(cloud, rows, name):
        is_known[start + kept.rows[truth >= 0]] = True
    return is_known


def _iterate_kept(
    cloud: FittedCloud, rows: SplitRows, name: str
) -> Iterator[tuple[int, KeptObjects, NDArray[np.int64]]]:
    """Yield the number of the first event of each chunk, the objects that are kept, and their classes."""
    for part, chunk in iterate_chunks(rows.table.columns, cloud.columns, rows.rows):
        kept = keep_objects(cloud.cloud, exact_columns(chunk, cloud.columns))
        truth: Jagged = rows.table.targets[name][rows.rows[part]]
        yield part.start, kept, truth.content[kept.places]


def count_kept(cloud: CloudColumns, columns: Mapping[str, Any]) -> NDArray[np.int64]:
    """Return how many objects of each event a cloud keeps, and a network therefore sees ``(n_events,)``."""
    counts = [
        np.minimum(count_selected(cloud, exact_columns(chunk, cloud.columns)), cloud.n_objects)
        for _, chunk in iterate_chunks(columns, cloud.columns)
    ]
    return np.concatenate([np.empty(0, np.int64), *counts])


def restore_objects(cloud: FittedCloud, rows: SplitRows, logits: NDArray[Any]) -> Jagged:
    """Return the probabilities of the objects of the file, NaN for those that the cloud leaves out.

    Parameters
    ----------
    logits
        Of the objects of the cloud in its order, ``(n_events, n_objects, n_classes)``.
    """
    values = logits.astype(np.float64)
    shifted = np.exp(values - values.max(axis=2, keepdims=True))
    probabilities = shifted / shifted.sum(axis=2, keepdims=True)
    parts = []
    for part, chunk in iterate_chunks(rows.table.columns, cloud.columns, rows.rows):
        exact = exact_columns(chunk, cloud.columns)
        kept = keep_objects(cloud.cloud, exact)
        offsets = find_offsets(cloud.cloud, exact)
        content = np.full((int(offsets[-1]), values.shape[2]), np.nan)
        content[kept.places] = probabilities[part][kept.rows, kept.positions]
        parts.append(Jagged(content, offsets))
    return Jagged.concatenate(parts)
