"""Small events of partons, jets and measured particles."""

from __future__ import annotations

import numpy as np
import pytest

from rapidity.samples.dijets.response import Measured
from rapidity.samples.particles import FourVectors, Record


def _vectors(rows, n_events):
    event, pt, eta, phi = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    columns = {
        "event": event.astype(np.int64),
        "px": pt * np.cos(phi),
        "py": pt * np.sin(phi),
        "pz": pt * np.sinh(eta),
        "energy": pt * np.cosh(eta),
    }
    return {**columns, "n_events": n_events or int(event.max()) + 1}


@pytest.fixture
def make_vectors():
    """Return the builder of massless four-vectors from rows (event, pt, eta, phi)."""
    return lambda *rows, n_events=None: FourVectors(**_vectors(rows, n_events))


@pytest.fixture
def make_record():
    """Return the builder of records from rows (event, pdg_id, status, pt, eta, phi)."""

    def build(*rows, n_events=None) -> Record:
        kinematics = [(row[0], *row[3:]) for row in rows]
        ids, status = (np.array([row[place] for row in rows]) for place in (1, 2))
        mother = np.full(len(rows), -1)
        return Record(**_vectors(kinematics, n_events), pdg_id=ids, status=status, mother=mother)

    return build


@pytest.fixture
def make_measured():
    """Return the builder of measured particles from rows (event, eta, phi, ecal, hcal, track, is light)."""

    def build(*rows) -> Measured:
        event, *values, light = (np.array(column) for column in zip(*rows, strict=True))
        return Measured(
            event.astype(np.int64), *(value.astype(float) for value in values), light.astype(bool)
        )

    return build
