"""Columns that were computed from objects before."""

from __future__ import annotations

import numpy as np
import pytest

from rapidity.training.augmentation.boost_z import Boost
from rapidity.training.augmentation.drop_objects import Dropping
from rapidity.training.augmentation.momenta import MomentumAugmentation, choose_objects
from rapidity.training.augmentation.rotate_phi import Rotation
from rapidity.training.augmentation.smear_momentum import Smearing
from rapidity.training.augmentation.stale_columns import find_stale_columns

OBJECTS = {
    "jets": {"pt": "jet_pt", "eta": "jet_eta", "phi": "jet_phi", "mass": "jet_m"},
    "lepton": {"px": "lep_px", "py": "lep_py", "pz": "lep_pz", "energy": "lep_e"},
    "photon": {"pt": "ph_pt", "eta": "ph_eta", "phi": "ph_phi"},
}
COLLECTIONS = dict.fromkeys(("jet_pt", "jet_eta", "jet_phi", "jet_m"), "jets")
SMEAR = Smearing(0.3, "gaussian", keep_mass=False)


@pytest.fixture
def find(events, compute):
    """Return a function from an augmentation and a quantity to the expressions found for a column of it."""

    def run(how, quantity, unit=1.0, noise=0.0):
        rng = np.random.default_rng(5)
        column = compute(quantity, events) * unit * (1 + noise * rng.normal(size=len(events["met"])))
        columns = {**events, "stored": column.astype(np.float32)}
        step = (
            how
            if isinstance(how, Dropping)
            else MomentumAugmentation(how, choose_objects("here", how, OBJECTS, None), COLLECTIONS, {})
        )
        found = find_stale_columns(columns, ["stored", "met"], [step], OBJECTS, COLLECTIONS)
        assert {item.column for item in found} <= {"stored"}
        return [item.expression for item in found]

    return run


@pytest.mark.parametrize("unit", [1.0, 1000.0])
@pytest.mark.parametrize("quantity", ["mass(lepton, photon)", "mass(jets[0], jets[1])", "sum(pt(jets))"])
def test_what_changes_is_found_in_any_unit(find, quantity, unit):
    assert find(SMEAR, quantity, unit) == [quantity]


def test_what_the_augmentation_leaves_is_no_problem(find):
    assert find(Rotation(), "mass(lepton, photon)") == []
    assert find(Rotation(), "phi(photon)") == ["phi(photon)"]
    assert find(Boost(1.0), "delta_phi(lepton, photon)") == []
    assert find(Boost(1.0), "eta(jets[0])") == ["eta(jets[0])"]


def test_numbers_of_objects_and_sums_do_not_follow_dropping(find):
    dropping = Dropping({"jets": list(COLLECTIONS)}, {}, 0.3, 0)
    assert find(dropping, "count(jets)") == ["count(jets)"]
    assert find(dropping, "mass(jets[0], jets[1])") == ["mass(jets[0], jets[1])"]


def test_another_quantity_is_not_taken_for_one(find):
    assert find(SMEAR, "mass(lepton, photon)", noise=0.05) == []
