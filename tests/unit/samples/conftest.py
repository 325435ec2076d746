"""Small events for the tests of the detector."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from rapidity.samples.particles import Particles

MakeParticles = Callable[..., Particles]


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


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20)
