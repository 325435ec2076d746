"""Selection and columns, on events built by hand and seen by a detector that measures exactly."""

from __future__ import annotations

import numpy as np
import pytest

from rapidity.samples import lepton_jets
from rapidity.samples.detector import missing_momentum
from rapidity.samples.lepton_jets import COLUMNS, MISSING, TAGGED, reconstruct_lepton_jets_events
from rapidity.samples.top_pairs import HADRONIC_TOP, HIGGS, LEPTONIC_TOP, OTHER, W_BOSON
from rapidity.samples.tth_bb import TTH_BB

pytest.importorskip("fastjet", reason="FastJet is not installed")
pytestmark = pytest.mark.generate

# (pdg_id, status, mother, pt, eta, phi). Each quark leaves one hadron, and b quarks a b hadron before it.
QUARKS = (
    (5, 1, 80.0, 0.0, 0.0, LEPTONIC_TOP),
    (-5, 2, 70.0, 1.0, 1.5, HADRONIC_TOP),
    (1, 4, 60.0, -1.0, 3.0, W_BOSON),
    (-2, 4, 35.0, 0.5, -1.0, W_BOSON),
    (5, 5, 90.0, -0.5, -2.0, HIGGS),
    (-5, 5, 50.0, 0.3, 2.3, HIGGS),
)
EXTRA_JET = (21, -1, 40.0, 2.0, -2.8, OTHER)


def make_rows(lepton_pt=40.0, quarks=QUARKS):
    rows = [(90, -11, -1, 1.0, 0.0, 0.0), (6, -62, 0, 90.0, 0.0, 0.0), (-6, -62, 0, 90.0, 0.0, 3.0)]
    rows += [(24, -22, 1, 60.0, 0.0, 0.5), (-24, -22, 2, 60.0, 0.0, 3.0), (25, -62, 0, 90.0, 0.0, 1.0)]
    rows += [(-13, 23, 3, lepton_pt, 0.2, 1.0), (14, 23, 3, 45.0, 0.0, 0.4)]
    for quark, mother, *vector, _ in quarks:
        if mother >= 0:
            rows.append((quark, -23, mother, *vector))
        if abs(quark) == 5:
            rows.append((511, -83, len(rows) - 1, *vector))
        rows.append((211, 91, len(rows) - 1, *vector))
    return rows


@pytest.fixture(autouse=True)
def exact_detector(monkeypatch):
    """Measure exactly, find every lepton, tag every b jet and no other."""
    monkeypatch.setattr(lepton_jets, "smear_jets", lambda jets, rng: jets)
    monkeypatch.setattr(lepton_jets, "draw_scores", lambda flavour, pt, rng: np.where(flavour == 5, 0.9, 0.1))
    monkeypatch.setattr(
        "rapidity.samples.detector.leptons.lepton_efficiency", lambda flavour: np.ones(len(flavour))
    )
    monkeypatch.setattr(
        "rapidity.samples.detector.leptons.draw_response", lambda width, rng: np.ones(len(width))
    )
    monkeypatch.setattr(missing_momentum, "SOFT_SQRT_GEV", 0.0)


@pytest.fixture
def reconstruct(make_record, rng):
    def run(*events, min_jets=5, min_b_jets=3):
        record = make_record(*events)
        return reconstruct_lepton_jets_events(record, rng, min_jets=min_jets, min_b_jets=min_b_jets)

    return run


def test_jets_are_ordered_with_their_truth(reconstruct):
    columns, selected = reconstruct(make_rows(quarks=(*QUARKS, EXTRA_JET)))
    assert selected.tolist() == [0]
    np.testing.assert_allclose(columns["jet_pt"].content, [90, 80, 70, 60, 50, 40, 35], rtol=1e-6)
    expected = [HIGGS, LEPTONIC_TOP, HADRONIC_TOP, W_BOSON, HIGGS, OTHER, W_BOSON]
    assert columns["jet_truth_origin"].content.tolist() == expected
    assert columns["jet_truth_flavour"].content.tolist() == [5, 5, 5, 0, 5, 0, 0]
    assert columns["jet_btag_points"].content.tolist() == [4, 4, 4, 0, 4, 0, 0]


def test_the_lepton_and_what_is_missing(reconstruct):
    columns, _ = reconstruct(make_rows())
    assert columns["lepton_pt"].content == pytest.approx([40.0])
    assert columns["lepton_charge"].content.tolist() == [1]
    assert columns["lepton_flavour"].content.tolist() == [13]
    seen = [(vector[0], vector[2]) for _, _, *vector, _ in QUARKS] + [(40.0, 1.0)]
    x, y = (-sum(pt * function(phi) for pt, phi in seen) for function in (np.cos, np.sin))
    assert columns["met_pt"] == pytest.approx([np.hypot(x, y)])
    assert columns["met_phi"] == pytest.approx([np.arctan2(y, x)])


def test_true_particles_stand_in_columns_and_a_sentinel_where_there_is_none(reconstruct):
    without_higgs = [*QUARKS[:4], (5, -1, 90.0, -0.5, -2.0, OTHER)]
    columns, selected = reconstruct(make_rows(), make_rows(quarks=without_higgs))
    assert selected.tolist() == [0, 1]
    np.testing.assert_allclose(columns["truth_higgs_pt"], [90.0, MISSING])
    np.testing.assert_allclose(columns["truth_neutrino_pt"], [45.0, 45.0])
    assert columns["truth_extra_b"].tolist() == [0, 1]
    assert columns["truth_extra_c"].tolist() == [0, 0]


def test_events_need_jets_and_tags(reconstruct):
    events = [make_rows(quarks=QUARKS[:n]) for n in (4, 5, 6)]
    for min_jets, min_b_jets, expected in ((5, 3, [1, 2]), (6, 3, [2]), (4, 2, [0, 1, 2]), (4, 4, [2])):
        _, selected = reconstruct(*events, min_jets=min_jets, min_b_jets=min_b_jets)
        assert selected.tolist() == expected


def test_events_need_exactly_one_hard_lepton(reconstruct):
    two = [*make_rows(), (11, 1, 0, 15.0, -2.0, -0.5)]
    _, selected = reconstruct(make_rows(), make_rows(lepton_pt=20.0), two)
    assert selected.tolist() == [0]


def test_no_event_selected_leaves_empty_columns(reconstruct):
    columns, selected = reconstruct(make_rows(lepton_pt=20.0))
    assert len(selected) == 0
    assert list(columns) == list(COLUMNS)
    assert all(len(values) == 0 for values in columns.values())


def test_a_tag_is_the_working_point_of_77_per_cent():
    assert lepton_jets.pass_working_points(np.array([0.22, 0.24])).tolist() == [TAGGED - 1, TAGGED]


def test_the_first_selection_is_the_usual_one():
    assert TTH_BB.default_selection == "5j3b"
