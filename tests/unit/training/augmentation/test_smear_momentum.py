"""Smearing of momenta."""

from __future__ import annotations

import numpy as np
import pytest

from rapidity.training.augmentation.smear_momentum import SMALLEST_FACTOR, Smearing

DIRECTIONS = ["jet_eta", "jet_phi", "eta(lepton)", "phi(lepton)", "delta_r(jets[0], lepton)", "met_phi"]


@pytest.mark.parametrize("keep_mass", [False, True])
@pytest.mark.parametrize("quantity", DIRECTIONS)
def test_smearing_leaves_directions(events, change, compute, quantity, keep_mass):
    smeared = change(Smearing(0.2, "gaussian", keep_mass=keep_mass), events)
    np.testing.assert_allclose(compute(quantity, smeared), compute(quantity, events), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("distribution", ["gaussian", "log_normal"])
@pytest.mark.parametrize("relative", [0.1, 0.6])
def test_factors_have_mean_one_and_are_positive(distribution, relative):
    n_objects = 100_000
    smearing = Smearing(relative, distribution, keep_mass=False)
    ones = np.ones(n_objects)
    factor = smearing.apply({"pt": ones}, ones, np.random.default_rng(1))["pt"]
    # Four standard errors; the spread of a log-normal factor is a little above that of its logarithm.
    assert factor.mean() == pytest.approx(1, abs=4 * factor.std() / np.sqrt(n_objects))
    assert factor.min() >= SMALLEST_FACTOR * 0.999
    if relative == 0.1:
        assert factor.std() == pytest.approx(0.1, rel=0.03)


def test_whole_momenta_are_scaled_by_a_factor_for_each_object(events, change, compute):
    smeared = change(Smearing(0.2, "gaussian", keep_mass=False), events)
    factor = smeared["jet_pt"].content / events["jet_pt"].content
    assert len(np.unique(factor)) == len(factor)
    np.testing.assert_allclose(smeared["jet_m"].content, factor * events["jet_m"].content)
    scaled = {name: smeared[name] / events[name] for name in ("lep_px", "lep_py", "lep_pz", "lep_e")}
    for ratio in scaled.values():
        np.testing.assert_allclose(ratio, scaled["lep_px"], rtol=1e-9)


def test_masses_are_kept_on_request(events, change, compute):
    smeared = change(Smearing(0.2, "log_normal", keep_mass=True), events)
    np.testing.assert_allclose(compute("mass(lepton)", smeared), 1.7, rtol=1e-6)
    assert smeared["jet_m"] is events["jet_m"]
    assert not np.allclose(smeared["lep_e"], events["lep_e"])
