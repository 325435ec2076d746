"""Exchanging the two directions along the beam."""

from __future__ import annotations

import numpy as np
import pytest

from rapidity.training.augmentation.reflect_eta import Reflection

INVARIANT = [
    "abs(jet_eta)",
    "abs(eta(lepton))",
    "jet_phi",
    "energy(lepton)",
    "mass(jets[0], jets[1])",
    "mass(jets[0], lepton, photon)",
    "delta_r(lepton, photon)",
]


@pytest.mark.parametrize("quantity", INVARIANT)
def test_reflection_leaves_what_does_not_depend_on_the_direction(events, change, compute, quantity):
    reflected = change(Reflection(0.5), events)
    np.testing.assert_allclose(compute(quantity, reflected), compute(quantity, events), rtol=1e-9)


def test_reflection_changes_the_sign_of_all_objects_of_some_events(events, change, compute):
    reflected = change(Reflection(0.3), events)
    signs = np.array(
        [
            compute(f"eta({name})", reflected) / compute(f"eta({name})", events)
            for name in ("lepton", "photon", "jets[0]", "jets[1]")
        ]
    )
    np.testing.assert_allclose(signs, np.broadcast_to(signs[0], signs.shape), rtol=1e-9)
    # 60 +- 6.5 of 200 events
    assert 35 < (signs[0] < 0).sum() < 85
