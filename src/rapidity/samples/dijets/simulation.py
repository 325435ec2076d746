"""From pairs of events, gluons and quarks, to jets of both classes with the same spectra."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from rapidity.samples.dijets.clustering import GLUON, QUARK, Jets, cluster, match_partons
from rapidity.samples.dijets.constituents import describe_constituents
from rapidity.samples.dijets.images import SparseImages, draw_images
from rapidity.samples.dijets.matching import match_spectra
from rapidity.samples.dijets.response import COLUMNS, Candidates, Measured, join_measured, measure
from rapidity.samples.particles import COMPONENTS, FourVectors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from rapidity.samples.particles import Record

    Floats = NDArray[np.float64]

OUTGOING_OF_HARD_PROCESS = 23
"""Status in Pythia's record, with a minus sign for what has changed since."""
IMAGES_AT_ONCE = 100
"""So many crystals stay in the cache of a processor."""


@dataclass(frozen=True)
class JetBlock:
    """Jets of both classes, in random order.

    Attributes
    ----------
    kind
        1 for a quark, 0 for a gluon ``(n_jets,)``.
    event
        Number of the event among those of both classes; jets of one event have the same ``(n_jets,)``.
    columns
        Name -> value of each jet ``(n_jets,)``.
    objects
        Name -> value of each constituent, one jet after another ``(n_constituents,)``.
    n_objects
        Constituents of each jet ``(n_jets,)``.
    images
        None if they were not asked for.
    """

    kind: NDArray[np.int64]
    event: NDArray[np.int64]
    columns: Mapping[str, Floats]
    objects: Mapping[str, Floats]
    n_objects: NDArray[np.int64]
    images: SparseImages | None

    @property
    def n_jets(self) -> int:
        """Number of jets."""
        return len(self.kind)

    def first(self, n_jets: int) -> JetBlock:
        """Return the first jets, or all if there are fewer."""
        return self.slice(0, n_jets)

    def slice(self, start: int, stop: int) -> JetBlock:
        """Return jets that stand next to each other."""
        jets = slice(start, min(stop, self.n_jets))
        objects = slice(int(self.n_objects[:start].sum()), int(self.n_objects[: jets.stop].sum()))
        return JetBlock(
            self.kind[jets],
            self.event[jets],
            {name: values[jets] for name, values in self.columns.items()},
            {name: values[objects] for name, values in self.objects.items()},
            self.n_objects[jets],
            None if self.images is None else self.images.slice(jets.start, jets.stop),
        )

    @staticmethod
    def join(parts: Sequence[JetBlock]) -> JetBlock:
        """Return the jets of several, one after another."""
        kind, event, n_objects = (
            np.concatenate([getattr(part, name) for part in parts]) for name in ("kind", "event", "n_objects")
        )
        columns, objects = (
            {
                key: np.concatenate([getattr(part, name)[key] for part in parts])
                for key in getattr(parts[0], name)
            }
            for name in ("columns", "objects")
        )
        images = [part.images for part in parts if part.images is not None]
        return JetBlock(
            kind, event, columns, objects, n_objects, SparseImages.join(images) if images else None
        )


@dataclass(frozen=True)
class _Events:
    """Some events of both processes as the detector sees them."""

    measured: Measured
    candidates: Candidates
    jets: Jets
    kind: NDArray[np.int64]


def simulate_jets(
    records: Mapping[int, Record],
    rng: np.random.Generator,
    image_rng: np.random.Generator | None,
    first_event: int = 0,
) -> JetBlock:
    """Return the jets of some events.

    Parameters
    ----------
    records
        What Pythia made: of `GLUON` and of `QUARK`, equally many events. Only jets of that class are kept.
    image_rng
        What images are drawn with; None for no images. The jets are the same.
    first_event
        Number of the first event.
    """
    events = _merge([_see(records[kind], kind, rng) for kind in (GLUON, QUARK)])
    rows = match_spectra(events.kind, events.jets.vectors.pt, events.jets.vectors.eta)
    jets, kind = events.jets.take(rows), events.kind[rows]
    columns, objects, n_objects = describe_constituents(jets, events.candidates)
    order = rng.permutation(len(kind))
    # Else the number of an event would tell its class.
    number = rng.permutation(jets.vectors.n_events)
    images = None if image_rng is None else _draw(jets.vectors, events.measured, order, image_rng)
    within = _rows_of(n_objects, order)
    return JetBlock(
        kind[order],
        number[jets.vectors.event[order]] + first_event,
        {name: values[order] for name, values in columns.items()},
        {name: values[within] for name, values in objects.items()},
        n_objects[order],
        images,
    )


def _see(record: Record, kind: int, rng: np.random.Generator) -> _Events:
    measured, candidates = measure(record.stable, rng)
    jets = cluster(candidates)
    partons = record.take(np.abs(record.status) == OUTGOING_OF_HARD_PROCESS)
    found = match_partons(jets.vectors, partons)
    rows = np.flatnonzero(found == kind)
    return _Events(measured, candidates, jets.take(rows), found[rows])


def _merge(parts: list[_Events]) -> _Events:
    """Return the events of both processes with numbers of their own, those of the second one behind."""
    first, second = parts
    n_before = first.candidates.n_events
    n_events = n_before + second.candidates.n_events
    measured = join_measured(
        [first.measured, replace(second.measured, event=second.measured.event + n_before)]
    )
    event = np.concatenate([first.candidates.event, second.candidates.event + n_before])
    columns = {name: np.concatenate([getattr(part.candidates, name) for part in parts]) for name in COLUMNS}
    candidates = Candidates(event=event, n_events=n_events, **columns)
    vectors = [part.jets.vectors for part in parts]
    components = {name: np.concatenate([getattr(part, name) for part in vectors]) for name in COMPONENTS}
    event_of_jets = np.concatenate([vectors[0].event, vectors[1].event + n_before])
    jets = Jets(
        FourVectors(event=event_of_jets, n_events=n_events, **components),
        np.concatenate([first.jets.candidate, second.jets.candidate + len(first.candidates)]),
        np.concatenate([part.jets.n_constituents for part in parts]),
    )
    return _Events(measured, candidates, jets, np.concatenate([part.kind for part in parts]))


def _draw(
    jets: FourVectors, measured: Measured, order: NDArray[np.int64], rng: np.random.Generator
) -> SparseImages:
    """Return the images of the jets in the order given."""
    # Measured once in the order of events, so that each image looks at its own event only.
    by_event = measured.in_order()
    parts = []
    for first in range(0, len(order), IMAGES_AT_ONCE):
        rows = order[first : first + IMAGES_AT_ONCE]
        parts.append(draw_images(jets.take(rows), by_event, rng))
    return SparseImages.join(parts)


def _rows_of(counts: NDArray[np.int64], order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows of the objects of some events, which have so many objects each."""
    starts = np.cumsum(counts) - counts
    taken: NDArray[np.int64] = counts[order]
    rows: NDArray[np.int64] = np.arange(taken.sum()) + np.repeat(
        starts[order] - (np.cumsum(taken) - taken), taken
    )
    return rows
