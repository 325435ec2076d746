from __future__ import annotations

import numpy as np
import pytest

from rapidity.samples.detector.leptons import Leptons
from rapidity.samples.dilepton import COLUMNS, MISSING, compute_features, select_events

FEATURES_OF_THE_TUTORIAL = [
    *("lepton0_px", "lepton0_py", "lepton0_pz", "lepton0_energy"),
    *("lepton1_px", "lepton1_py", "lepton1_pz", "lepton1_energy"),
    *("jet0_px", "jet0_py", "jet0_pz", "jet0_energy"),
    *("jet1_px", "jet1_py", "jet1_pz", "jet1_energy"),
    *("Njets", "HT_all", "MissingEnergy"),
    *("lepton0_mass", "lepton1_mass", "jet0_mass", "jet1_mass", "combined_leptons_mass"),
    *("angle_between_jets", "angle_between_leptons"),
]


@pytest.fixture
def make_leptons(make_particles):
    """Build massless leptons from rows (event, pdg_id, pt, eta, phi)."""

    def make(*rows, n_events=None):
        particles = make_particles(*rows, n_events=n_events)
        return Leptons(
            event=particles.event,
            px=particles.px,
            py=particles.py,
            pz=particles.pz,
            energy=particles.energy,
            n_events=particles.n_events,
            flavour=np.abs(particles.pdg_id),
            charge=-np.sign(particles.pdg_id),
            mass_gev=np.zeros(len(particles)),
        )

    return make


def as_dict(features):
    return dict(zip(COLUMNS, features.T, strict=True))


def test_the_columns_are_those_of_the_tutorial_in_their_order():
    assert list(COLUMNS) == FEATURES_OF_THE_TUTORIAL


@pytest.mark.parametrize(
    ("rows", "is_selected"),
    [
        pytest.param([(11, 25, 0.0), (-13, 15, 2.0)], True, id="good"),
        pytest.param([(11, 25, 0.0), (13, 15, 2.0)], False, id="same charge"),
        pytest.param([(11, 19, 0.0), (-13, 15, 2.0)], False, id="leading too soft"),
        pytest.param([(11, 25, 0.0)], False, id="one lepton"),
        pytest.param([(11, 25, 0.0), (-13, 15, 2.0), (13, 12, 1.0)], False, id="three leptons"),
        pytest.param([(11, 25, 0.0), (-11, 20, 0.3)], False, id="mass too small"),
    ],
)
def test_selection_of_one_event(make_leptons, rows, is_selected):
    leptons = make_leptons(*[(0, pdg_id, pt, 0.0, phi) for pdg_id, pt, phi in rows])
    assert select_events(leptons).tolist() == [is_selected]


def test_selection_of_many_events_keeps_them_apart(make_leptons):
    leptons = make_leptons(
        *[(1, 11, 25, 0, 0), (2, -13, 40, 0, 0), (2, 13, 40, 0, 2), (4, -11, 30, 0, 0)], n_events=6
    )
    assert select_events(leptons).tolist() == [False, False, True, False, False, False]


def test_leptons_and_jets_are_ordered_by_transverse_momentum(make_leptons, make_particles):
    leptons = make_leptons((0, 11, 20, 0, 0), (0, -11, 30, 0, 2), (1, 11, 50, 0, 0), (1, -11, 30, 0, 2))
    jets = make_particles((0, 0, 40, 0, 1), (0, 0, 35, 0, 2), (0, 0, 90, 0, 3), (1, 0, 31, 0, 1))
    columns = as_dict(compute_features(leptons, jets, np.array([5.0, 6.0])))
    np.testing.assert_allclose(columns["lepton0_energy"], [30, 50])
    np.testing.assert_allclose(columns["lepton1_energy"], [20, 30])
    np.testing.assert_allclose(columns["jet0_energy"], [90, 31])
    np.testing.assert_allclose(columns["jet1_energy"], [40, MISSING])
    np.testing.assert_allclose(columns["Njets"], [3, 1])
    np.testing.assert_allclose(columns["HT_all"], [50 + 165, 80 + 31])
    np.testing.assert_allclose(columns["MissingEnergy"], [5, 6])


def test_missing_jets_are_sentinels_everywhere(make_leptons, make_particles):
    leptons = make_leptons((0, 11, 20, 0, 0), (0, -11, 30, 0, 2), (1, 11, 50, 0, 0), (1, -11, 30, 0, 2))
    jets = make_particles((1, 0, 40, 0, 1))
    columns = as_dict(compute_features(leptons, jets, np.zeros(2)))
    jet0 = np.array([columns[name] for name in COLUMNS if name.startswith("jet0_")])
    jet1 = np.array([columns[name] for name in COLUMNS if name.startswith("jet1_")])
    assert np.all(jet0[:, 0] == MISSING)
    assert np.all(jet0[:, 1] != MISSING)
    assert np.all(jet1 == MISSING)
    assert np.all(columns["angle_between_jets"] == MISSING)


def test_mass_and_angle_of_two_leptons(make_leptons, make_particles):
    leptons = make_leptons((0, 11, 30, 0, 0.0), (0, -11, 40, 0, np.pi / 2))
    columns = as_dict(compute_features(leptons, make_particles((0, 0, 40, 0, 1)), np.zeros(1)))
    assert columns["angle_between_leptons"][0] == pytest.approx(np.pi / 2)
    assert columns["combined_leptons_mass"][0] == pytest.approx(np.sqrt(2 * 30 * 40))
