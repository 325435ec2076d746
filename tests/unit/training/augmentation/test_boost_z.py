"""Boosts along the beam."""

from __future__ import annotations

import numpy as np
import pytest

from rapidity.training.augmentation.boost_z import Boost

INVARIANT = [
    "jet_pt",
    "jet_phi",
    "jet_m",
    "pt(lepton)",
    "mass(lepton)",
    "mass(jets[0], jets[1])",
    "mass(jets[0], lepton, photon)",
    "transverse_mass(lepton, met)",
    "rapidity(jets[0]) - rapidity(jets[1])",
    "rapidity(lepton) - rapidity(photon)",
]


@pytest.mark.parametrize("quantity", INVARIANT)
def test_boost_leaves_masses_transverse_momenta_and_differences_in_rapidity(
    events, change, compute, quantity
):
    boosted = change(Boost(1.5), events)
    np.testing.assert_allclose(compute(quantity, boosted), compute(quantity, events), rtol=1e-7, atol=1e-7)


def test_massless_objects_keep_their_differences_in_eta(events, change, compute):
    events["jet_m"] = type(events["jet_m"])(np.zeros_like(events["jet_m"].content), events["jet_m"].offsets)
    boosted = change(Boost(1.5), events)
    for quantity in ("delta_eta(jets[0], jets[1])", "delta_eta(jets[0], photon)", "delta_r(jets[1], photon)"):
        np.testing.assert_allclose(compute(quantity, boosted), compute(quantity, events), atol=1e-9)
    moved = boosted["ph_eta"] - events["ph_eta"]
    assert -1.5 <= moved.min() < -1.2
    assert 1.2 < moved.max() <= 1.5


def test_objects_without_direction_along_the_beam_stay(events, change):
    boosted = change(Boost(1.5), events)
    assert boosted["met"] is events["met"]
    assert boosted["met_phi"] is events["met_phi"]


def test_an_energy_beside_angles_is_boosted_too(events, change, compute):
    energy = compute("energy(photon)", events)
    objects = {"photon": {"pt": "ph_pt", "eta": "ph_eta", "phi": "ph_phi", "energy": "ph_e"}}
    boosted = change(Boost(1.5), {**events, "ph_e": energy}, objects=objects)
    np.testing.assert_allclose(boosted["ph_e"], boosted["ph_pt"] * np.cosh(boosted["ph_eta"]), rtol=1e-9)
