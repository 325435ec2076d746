"""Particles of many events in flat arrays, one row a particle, events one after another."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

TINY = 1e-300
"""Keeps the pseudorapidity of a particle along the beam finite."""


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
        return np.hypot(self.px, self.py)

    @cached_property
    def eta(self) -> Floats:
        """Pseudorapidity."""
        return np.arcsinh(self.pz / np.maximum(self.pt, TINY))

    @cached_property
    def phi(self) -> Floats:
        """Azimuth in radians, in [-pi, pi]."""
        return np.arctan2(self.py, self.px)

    @cached_property
    def mass(self) -> Floats:
        """Invariant mass in GeV; 0 where rounding makes the square negative."""
        square = self.energy**2 - self.px**2 - self.py**2 - self.pz**2
        return np.sqrt(np.maximum(square, 0.0))

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
        scaled = {name: getattr(self, name) * factor for name in ("px", "py", "pz", "energy")}
        return replace(self, **scaled)

    def sum_by_event(self, values: Floats) -> Floats:
        """Return the sum of `values`, one a row, over the rows of each event ``(n_events,)``."""
        sums = np.bincount(self.event, weights=values, minlength=self.n_events)
        return sums.astype(np.float64, copy=False)


@dataclass(frozen=True)
class Particles(FourVectors):
    """Stable particles with their PDG codes."""

    pdg_id: NDArray[np.int64]


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
    delta_phi = (first.phi[i] - second.phi[j] + np.pi) % (2 * np.pi) - np.pi
    return np.hypot(first.eta[i] - second.eta[j], delta_phi)
