from __future__ import annotations

import numpy as np
import pytest

from rapidity.samples.dijets.clustering import Jets
from rapidity.samples.dijets.constituents import JET_UNITS, OBJECT_UNITS, describe_constituents
from rapidity.samples.dijets.response import CHARGED_HADRON, PHOTON_CANDIDATE, Candidates


@pytest.fixture
def described(make_vectors):
    """Return what is written of two jets: of three constituents, and of one."""
    vectors = make_vectors((0, 10, 0.1, 0.0), (0, 60, 0.0, 0.0), (0, 30, 0.0, -0.2), (1, 80, 0.3, 3.1))
    columns = {name: getattr(vectors, name) for name in ("event", "px", "py", "pz", "energy", "n_events")}
    kind = np.array([PHOTON_CANDIDATE, CHARGED_HADRON, CHARGED_HADRON, PHOTON_CANDIDATE])
    charge = np.array([0, 1, -1, 0])
    candidates = Candidates(**columns, pdg_id=np.zeros(4, int), kind=kind, charge=charge)
    jets = Jets(
        make_vectors((0, 100, 0.0, 0.0), (1, 80, 0.3, -3.1)), np.array([0, 1, 2, 3]), np.array([3, 1])
    )
    return describe_constituents(jets, candidates)


def test_constituents_stand_in_falling_order(described):
    _, objects, counts = described
    assert set(objects) == set(OBJECT_UNITS)
    assert counts.tolist() == [3, 1]
    np.testing.assert_allclose(objects["constituent_pt"], [60, 30, 10, 80])
    assert objects["constituent_charge"].tolist() == [1, -1, 0, 0]
    assert objects["constituent_is_photon"].tolist() == [0, 0, 1, 1]
    np.testing.assert_allclose(objects["constituent_d_eta"], [0, 0, 0.1, 0], atol=1e-12)
    # Across the seam of the azimuth.
    np.testing.assert_allclose(objects["constituent_d_phi"], [0, -0.2, 0, 6.2 - 2 * np.pi], atol=1e-12)


def test_features_are_those_of_their_formulas(described):
    columns, _, _ = described
    assert set(columns) == set(JET_UNITS)
    expected = {
        "multiplicity": 3, "charged_multiplicity": 2, "girth": (30 * 0.2 + 10 * 0.1) / 100,
        "width": np.sqrt((6**2 + 1**2) / (60**2 + 30**2 + 10**2)), "pt_d": np.sqrt(4600) / 100,
        "leading_fraction": 0.6, "second_fraction": 0.3, "third_fraction": 0.1, "charged_fraction": 0.9,
        "photon_fraction": 0.1,
    }  # fmt: skip
    assert {name: columns[name][0] for name in expected} == pytest.approx(expected)
    assert columns["second_fraction"][1] == 0
    assert columns["pt_d"][1] == pytest.approx(1.0)
