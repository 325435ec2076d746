"""Turning events around the beam."""

from __future__ import annotations

import numpy as np
import pytest

from rapidity.training.augmentation.rotate_phi import Rotation

INVARIANT = [
    "jet_pt",
    "pt(lepton)",
    "mass(lepton)",
    "mass(jets[0], jets[1])",
    "mass(jets[0], lepton, photon)",
    "delta_r(jets[0], jets[1])",
    "delta_r(lepton, photon)",
    "delta_phi(jets[0], met)",
    "delta_phi(lepton, met)",
    "eta(lepton)",
]


@pytest.mark.parametrize("quantity", INVARIANT)
def test_rotation_leaves_what_does_not_depend_on_the_axis(events, change, compute, quantity):
    rotated = change(Rotation(), events)
    np.testing.assert_allclose(compute(quantity, rotated), compute(quantity, events), rtol=1e-9, atol=1e-9)


def test_rotation_turns_all_objects_of_an_event_by_one_angle_and_events_by_different_ones(
    events, change, compute
):
    rotated = change(Rotation(), events)
    turned = [
        (compute(f"phi({name})", rotated) - compute(f"phi({name})", events)) % (2 * np.pi)
        for name in ("lepton", "photon", "met", "jets[0]", "jets[1]")
    ]
    np.testing.assert_allclose(turned, np.broadcast_to(turned[0], (5, len(turned[0]))), atol=1e-9)
    assert np.histogram(turned[0], 4, (0, 2 * np.pi))[0].min() > 30


def test_rotated_angles_stay_in_the_turn_of_their_column(events, change):
    events["ph_phi"] = np.mod(events["ph_phi"], 2 * np.pi)
    rotated = change(Rotation(), events, from_zero=("ph_phi",))
    assert rotated["ph_phi"].min() >= 0
    assert rotated["ph_phi"].max() > np.pi
    assert rotated["met_phi"].min() >= -np.pi
    assert rotated["met_phi"].max() < np.pi
