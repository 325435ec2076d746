"""Small events for the tests of the detector."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from rapidity.samples.particles import Particles, Record, four_vector_fields

MakeParticles = Callable[..., Particles]
MakeRecord = Callable[..., Record]
Row = tuple[int, int, int, float, float, float]


def _make_particles(*rows: tuple[int, int, float, float, float], n_events: int | None = None) -> Particles:
    """Build massless particles from (event, pdg_id, pt, eta, phi)."""
    event, pdg_id, pt, eta, phi = (np.array(column) for column in zip(*rows, strict=True))
    return Particles(
        event=event.astype(np.int64),
        px=pt * np.cos(phi),
        py=pt * np.sin(phi),
        pz=pt * np.sinh(eta),
        energy=pt * np.cosh(eta),
        n_events=int(event.max()) + 1 if n_events is None else n_events,
        pdg_id=pdg_id.astype(np.int64),
    )


@pytest.fixture
def make_particles() -> MakeParticles:
    """Return the builder of massless particles from rows (event, pdg_id, pt, eta, phi)."""
    return _make_particles


def _make_record(*events: list[Row]) -> Record:
    """Build a record from (pdg_id, status, mother, pt, eta, phi); mothers are rows of the event, or -1."""
    rows = [(number, *row) for number, event in enumerate(events) for row in event]
    starts = np.cumsum([0, *map(len, events)])
    vectors = _make_particles(*[(number, pdg_id, *vector) for number, pdg_id, _, _, *vector in rows])
    return Record(
        **four_vector_fields(vectors),
        pdg_id=vectors.pdg_id,
        status=np.array([status for _, _, status, *_ in rows]),
        mother=np.array(
            [mother + starts[number] if mother >= 0 else -1 for number, _, _, mother, *_ in rows]
        ),
    )


@pytest.fixture
def make_record() -> MakeRecord:
    """Return the builder of records from rows (pdg_id, status, mother, pt, eta, phi) of each event."""
    return _make_record


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20)
