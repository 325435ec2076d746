"""The objects of events as figures of inputs need them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    Rows = NDArray[np.int64]

EVENTS_SAMPLED = 50_000
"""Events of a class whose objects are shown."""


@dataclass(frozen=True)
class CloudData:
    """The objects of a cloud, before scaling.

    Attributes
    ----------
    names
        The numbers of an object.
    counts
        How many objects each event has that fulfil the selection, kept or not ``(n_events,)``.
    take
        Row numbers of events -> the numbers of the objects that are kept ``(n_objects, n_names)``, NaN where
        one is missing, and the position in these rows of the event of each ``(n_objects,)``.
    units
        Name -> unit, where known.
    """

    names: tuple[str, ...]
    counts: NDArray[np.int64]
    take: Callable[[Rows], tuple[NDArray[Any], Rows]]
    units: Mapping[str, str] = field(default_factory=dict)


def sample_objects(data: CloudData, rows: Rows) -> tuple[NDArray[Any], Rows]:
    """Return the numbers of the objects of some of these events, spread evenly, and their row numbers."""
    chosen = rows[:: max(-(-len(rows) // EVENTS_SAMPLED), 1)]
    values, events = data.take(chosen)
    return values, chosen[events]
