"""The stable charged particles, and many of them as arrays."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from rapidity.physics.constants import (
    CHARGED_KAON_MASS_GEV,
    CHARGED_PION_MASS_GEV,
    ELECTRON_MASS_GEV,
    MUON_MASS_GEV,
    PROTON_MASS_GEV,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

ELECTRON, MUON, PION, KAON, PROTON = range(5)
NOTHING = -1
"""No particle at all: hits of several, put together by accident."""
N_SPECIES = 5

MASS_GEV = np.array(
    [
        ELECTRON_MASS_GEV,
        MUON_MASS_GEV,
        CHARGED_PION_MASS_GEV,
        CHARGED_KAON_MASS_GEV,
        PROTON_MASS_GEV,
    ]
)
"""Masses in the order of the species."""

Record = TypeVar("Record")


@dataclass(frozen=True)
class Particles:
    """True particles.

    Attributes
    ----------
    kind
        Index of the species, or `NOTHING` ``(n_tracks,)``.
    p_gev
        True momentum in GeV; without meaning where there is nothing ``(n_tracks,)``.
    """

    kind: Integers
    p_gev: Floats

    @property
    def mass_gev(self) -> Floats:
        """Masses in GeV; infinite where there is no particle, so that nothing is ever above threshold."""
        return np.where(self.kind == NOTHING, np.inf, MASS_GEV[self.kind])

    @property
    def is_hadron(self) -> NDArray[np.bool_]:
        """Whether each interacts strongly."""
        return self.kind >= PION


def take(record: Record, rows: Any) -> Record:
    """Return the given rows of a record of arrays, records inside it included."""
    parts = {field.name: getattr(record, field.name) for field in fields(record)}  # type: ignore[arg-type]
    chosen = {name: take(part, rows) if is_dataclass(part) else part[rows] for name, part in parts.items()}
    return type(record)(**chosen)


def concatenate(records: Sequence[Record]) -> Record:
    """Return the rows of several records of arrays, one after the other."""
    first = records[0]
    joined = {}
    for field in fields(first):  # type: ignore[arg-type]
        parts = [getattr(record, field.name) for record in records]
        joined[field.name] = concatenate(parts) if is_dataclass(parts[0]) else np.concatenate(parts)
    return type(first)(**joined)
