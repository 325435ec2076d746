"""Particles of many events in flat arrays, one row a particle, events one after another."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from rapidity.physics import kinematics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

COMPONENTS = ("px", "py", "pz", "energy")


@dataclass(frozen=True)
class FourVectors:
    """Energies and momenta in GeV, with the event each belongs to.

    Every field but `n_events` has one value a row.

    Attributes
    ----------
    event
        Index of the event of each row, never decreasing.
    n_events
        Number of events, those without a row included.
    """

    event: NDArray[np.int64]
    px: Floats
    py: Floats
    pz: Floats
    energy: Floats
    n_events: int

    def __len__(self) -> int:
        return len(self.event)

    @cached_property
    def pt(self) -> Floats:
        """Transverse momentum in GeV."""
        return as_floats(kinematics.transverse_momentum(self.px, self.py))

    @cached_property
    def eta(self) -> Floats:
        """Pseudorapidity, infinite along the beam."""
        return as_floats(kinematics.pseudorapidity(self.pt, self.pz))

    @cached_property
    def phi(self) -> Floats:
        """Azimuth in radians, in [-pi, pi)."""
        return as_floats(kinematics.azimuth(self.px, self.py))

    @cached_property
    def mass(self) -> Floats:
        """Invariant mass in GeV; 0 where rounding makes the square negative."""
        momentum = np.hypot(self.pt, self.pz)
        return np.maximum(as_floats(kinematics.invariant_mass(self.energy, momentum)), 0.0)

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Number of rows of each event ``(n_events,)``."""
        return np.bincount(self.event, minlength=self.n_events)

    @cached_property
    def offsets(self) -> NDArray[np.int64]:
        """First row of each event, and the number of rows at the end ``(n_events + 1,)``."""
        return np.concatenate([[0], np.cumsum(self.counts)]).astype(np.int64)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Self:
        """Return `rows` only (a mask, or indices that keep the order of events), of the same events."""
        columns = [field.name for field in fields(self) if field.name != "n_events"]
        return replace(self, **{name: getattr(self, name)[rows] for name in columns})

    def keep_events(self, is_kept: NDArray[np.bool_]) -> Self:
        """Return the rows of the events kept ``(n_events,)``, with those numbered anew from 0."""
        kept = self.take(is_kept[self.event])
        new_number = np.cumsum(is_kept) - 1
        return replace(kept, event=new_number[kept.event], n_events=int(is_kept.sum()))

    def scale(self, factor: Floats) -> Self:
        """Return the four-vectors times one factor each."""
        return replace(self, **{name: getattr(self, name) * factor for name in COMPONENTS})

    def sum_by_event(self, values: Floats) -> Floats:
        """Return the sum of `values`, one a row, over the rows of each event ``(n_events,)``."""
        return as_floats(np.bincount(self.event, weights=values, minlength=self.n_events))


@dataclass(frozen=True)
class Particles(FourVectors):
    """Stable particles with their PDG codes."""

    pdg_id: NDArray[np.int64]


@dataclass(frozen=True)
class Record(Particles):
    """All particles of the generator's record: also partons, and what decayed.

    Attributes
    ----------
    status
        Pythia's code: positive for what is stable.
    mother
        Row of the first mother in the whole record, -1 for none. `take` keeps the numbers as they are.
    """

    status: NDArray[np.int64]
    mother: NDArray[np.int64]

    @property
    def stable(self) -> Particles:
        """The stable particles."""
        stable = self.take(self.status > 0)
        return Particles(**four_vector_fields(stable), pdg_id=stable.pdg_id)


def interleave(records: Sequence[Record]) -> Record:
    """Return the first event of each record, then the second of each, and so on; all have as many events."""
    if len(records) == 1:
        return records[0]
    event = np.concatenate([record.event * len(records) + k for k, record in enumerate(records)])
    order = np.argsort(event, kind="stable")
    starts = np.cumsum([0, *(len(record) for record in records)])
    # Where each row goes; the last entry keeps -1, no mother, as it is.
    new_row = np.full(len(order) + 1, -1)
    new_row[order] = np.arange(len(order))
    mothers = [
        np.where(record.mother >= 0, record.mother + start, -1)
        for record, start in zip(records, starts, strict=False)
    ]
    names = [field.name for field in fields(Record) if field.name not in ("event", "mother", "n_events")]
    return Record(
        event=event[order],
        mother=new_row[np.concatenate(mothers)][order],
        n_events=sum(record.n_events for record in records),
        **{name: np.concatenate([getattr(record, name) for record in records])[order] for name in names},
    )


def four_vector_fields(vectors: FourVectors) -> dict[str, Any]:
    """Return what a kind of `FourVectors` is made with, but for what it holds beside them."""
    return {field.name: getattr(vectors, field.name) for field in fields(FourVectors)}


def pairs_within_events(
    first: FourVectors, second: FourVectors
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the row numbers of all pairs (one of `first`, one of `second`) of the same event.

    Examples
    --------
    >>> zeros = np.zeros(3)
    >>> three = FourVectors(np.array([0, 0, 1]), zeros, zeros, zeros, zeros, n_events=2)
    >>> pairs_within_events(three, three)
    (array([0, 0, 1, 1, 2]), array([0, 1, 0, 1, 2]))
    """
    n_partners = second.counts[first.event]
    left = np.repeat(np.arange(len(first)), n_partners)
    starts_of_runs = np.cumsum(n_partners) - n_partners
    position_in_run = np.arange(len(left)) - np.repeat(starts_of_runs, n_partners)
    right = np.repeat(second.offsets[first.event], n_partners) + position_in_run
    return left, right


def delta_r(first: FourVectors, i: NDArray[np.int64], second: FourVectors, j: NDArray[np.int64]) -> Floats:
    """Return the distance in pseudorapidity and azimuth of the pairs (first[i], second[j])."""
    delta_phi = kinematics.delta_phi(first.phi[i], second.phi[j])
    return as_floats(np.hypot(first.eta[i] - second.eta[j], delta_phi))


def opening_angle(vectors: FourVectors, i: NDArray[np.int64], j: NDArray[np.int64]) -> Floats:
    """Return the angle in space between the momenta of rows `i` and `j`, in radians, in [0, pi]."""
    first, second = ((vectors.px[rows], vectors.py[rows], vectors.pz[rows]) for rows in (i, j))
    return as_floats(kinematics.opening_angle(first, second))


def pair_mass(vectors: FourVectors, i: NDArray[np.int64], j: NDArray[np.int64]) -> Floats:
    """Return the invariant mass, in GeV, of rows `i` and `j` together."""
    pairs = replace(
        vectors.take(i),
        **{name: getattr(vectors, name)[i] + getattr(vectors, name)[j] for name in COMPONENTS},
    )
    return pairs.mass


def as_floats(values: object) -> Floats:
    """Return the values as a float64 array."""
    return np.asarray(values, dtype=np.float64)
