"""Feature makers: what they stand for, and that it can be computed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rapidity.core.errors import ExpressionError
from rapidity.expressions import parse_expression
from rapidity.expressions.makers import MAKERS, MAX_MEMBERS, expand_maker

from .conftest import COLLECTIONS, OBJECTS

GUIDE = Path(__file__).parents[3] / "docs" / "guide" / "expressions.md"

MADE = {
    "kinematics(photon)": {
        "pt_photon": "pt(photon)", "eta_photon": "eta(photon)", "phi_photon": "phi(photon)",
    },
    "kinematics(missing)": {"pt_missing": "pt(missing)", "phi_missing": "phi(missing)"},
    " kinematics( jets , 1 ) ": {
        "pt_jets0": "pt(jets[0])", "eta_jets0": "eta(jets[0])", "phi_jets0": "phi(jets[0])",
        "mass_jets0": "mass(jets[0])",
    },
    "invariant_masses(jets)": {"mass_jets0_jets1": "mass(jets[0], jets[1])"},
    "invariant_masses(jets, photon, 2)": {
        "mass_jets0_jets1": "mass(jets[0], jets[1])",
        "mass_jets0_photon": "mass(jets[0], photon)",
        "mass_jets1_photon": "mass(jets[1], photon)",
    },
    "angles(photon, missing)": {"delta_phi_photon_missing": "delta_phi(photon, missing)"},
    "angles(jets, missing)": {
        "delta_phi_jets0_missing": "delta_phi(jets[0], missing)",
        "min_delta_r_jets": "min_delta_r(jets)",
        "max_delta_r_jets": "max_delta_r(jets)",
        "min_delta_phi_jets_missing": "min_delta_phi(jets, missing)",
        "max_delta_phi_jets_missing": "max_delta_phi(jets, missing)",
    },
    "angles(jets, jets, 2)": {
        "delta_eta_jets0_jets1": "delta_eta(jets[0], jets[1])",
        "delta_phi_jets0_jets1": "delta_phi(jets[0], jets[1])",
        "delta_r_jets0_jets1": "delta_r(jets[0], jets[1])",
        "min_delta_r_jets": "min_delta_r(jets)",
        "max_delta_r_jets": "max_delta_r(jets)",
    },
}  # fmt: skip

REFUSED = {
    "invariant_mases(jets, 3)": r"feature maker 'invariant_mases'\. Did you mean 'invariant_masses'",
    "angles(jet)": r"character 8: angles needs declared objects, and 'jet' is none\. Did you mean 'jets'\?",
    "angles(jets[0])": r"'jets\[0\]' is none\. Objects: jets, leptons",
    "kinematics()": r"kinematics needs objects\. Write kinematics\(a, \.\.\., n\)",
    "kinematics(4)": "kinematics needs objects",
    "kinematics(n=4)": "kinematics needs objects",
    "kinematics(jets, 0)": f"character 18: kinematics takes from 1 to {MAX_MEMBERS} objects, not 0",
    "kinematics(jets, -3)": "not -3",
    f"kinematics(jets, {MAX_MEMBERS + 1})": f"not {MAX_MEMBERS + 1}",
    "event_shapes(jets, 3)": r"character 20: event_shapes needs declared objects, and '3' is none",
    "invariant_masses(photon)": r"invariant_masses of \(photon\) makes no feature\. Give it more objects",
    "kinematics(jets) + 1": r"character 1: 'kinematics' makes several features, and cannot be part of .*",
}


@pytest.mark.parametrize("text", MADE)
def test_a_call_stands_for_named_features(text):
    assert dict(expand_maker(text, OBJECTS, COLLECTIONS)) == MADE[text]


@pytest.mark.parametrize("name", MAKERS)
def test_every_maker_gives_features_that_can_be_computed(name, events):
    features = expand_maker(f"{name}(jets, leptons, photon)", OBJECTS, COLLECTIONS)
    names = [feature for feature, _ in features]
    assert len(set(names)) == len(names) >= 3
    for feature, text in features:
        assert feature.isidentifier()
        expression = parse_expression(text, OBJECTS, COLLECTIONS)
        assert expression.collection is None
        assert np.isfinite(expression.evaluate(events.columns)).any()


@pytest.mark.parametrize(
    "text", ["met", "mass(jets)", "x = 3", "2 * kinematics(jets)", "unheard_of(jets)", "", "a-b"]
)
def test_anything_else_is_no_maker(text):
    assert expand_maker(text, OBJECTS, COLLECTIONS) is None


@pytest.mark.parametrize("text", REFUSED)
def test_wrong_calls_are_refused(text):
    with pytest.raises(ExpressionError, match=REFUSED[text]):
        expand_maker(text, OBJECTS, COLLECTIONS)


def test_without_declared_objects_that_is_said():
    with pytest.raises(ExpressionError, match=r"Objects: none\. Declare them in data\.objects"):
        expand_maker("angles(jets)")


@pytest.mark.parametrize("name", MAKERS)
def test_the_guide_lists_every_maker(name):
    maker = MAKERS[name]
    assert maker.signature.startswith(f"{name}(")
    assert f"| `{maker.signature}` | {maker.description} |" in GUIDE.read_text(encoding="utf-8")
