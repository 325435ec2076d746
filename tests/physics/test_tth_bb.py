"""The physics of the ntuple of top pairs with and without a Higgs boson: masses, flavours, rates, truth."""

from __future__ import annotations

from types import SimpleNamespace

import awkward as ak
import numpy as np
import pytest
import uproot

from rapidity.samples import generate
from rapidity.samples.top_pairs import HADRONIC_TOP, HIGGS, LEPTONIC_TOP, OTHER, W_BOSON

pytestmark = pytest.mark.generate

SEED = 11
N_EVENTS = 300
# Four jets and two tags: a few hundred events come of some two thousand.
SELECTION = "4j2b"
HIGGS_MASS_GEV, W_MASS_GEV, TOP_MASS_GEV = 125.0, 80.4, 172.5
MISSING = -999.0


@pytest.fixture(scope="module")
def ntuple(tmp_path_factory):
    """Generate once: the summary, and the branches of the tree."""
    pytest.importorskip("pythia8mc", reason="Pythia 8 is not installed")
    pytest.importorskip("fastjet", reason="FastJet is not installed")
    path = tmp_path_factory.mktemp("sample") / "tth_bb.root"
    summary = generate("tth_bb", path, n_events=N_EVENTS, seed=SEED, selection=SELECTION, workers=1)
    return SimpleNamespace(summary=summary, path=path, events=read(path))


def read(path):
    with uproot.open(path) as file:
        return file["events"].arrays()


@pytest.fixture(scope="module")
def signal_events(ntuple):
    return ntuple.events[ntuple.events.process == 1]


@pytest.fixture(scope="module")
def background_events(ntuple):
    return ntuple.events[ntuple.events.process == 0]


def count(condition):
    return ak.sum(condition, axis=1).to_numpy()


def mass_of_jets(events, origins):
    """Return the invariant mass of the jets of some origins, of events with all of them."""
    is_taken = ak.any([events.jet_truth_origin == origin for origin in set(origins)], axis=0)
    events = events[count(is_taken) == len(origins)]
    is_taken = ak.any([events.jet_truth_origin == origin for origin in set(origins)], axis=0)
    pt, eta, phi, mass = (events[f"jet_{name}"][is_taken] for name in ("pt", "eta", "phi", "mass"))
    x, y, z = (ak.sum(pt * factor, axis=1) for factor in (np.cos(phi), np.sin(phi), np.sinh(eta)))
    energy = ak.sum(np.sqrt((pt * np.cosh(eta)) ** 2 + mass**2), axis=1)
    return np.sqrt((energy**2 - x**2 - y**2 - z**2).to_numpy())


# Masses ---------------------------------------------------------------------------------------------


def test_the_jets_of_the_higgs_boson_have_its_mass_less_what_neutrinos_and_radiation_take(signal_events):
    mass = mass_of_jets(signal_events, [HIGGS, HIGGS])
    assert len(mass) > 60
    assert 100 < np.median(mass) < HIGGS_MASS_GEV
    assert np.mean(np.abs(mass - HIGGS_MASS_GEV) < 40) > 0.7


def test_the_jets_of_the_w_boson_and_of_the_top_quark_have_their_masses(ntuple):
    w_boson = mass_of_jets(ntuple.events, [W_BOSON, W_BOSON])
    top = mass_of_jets(ntuple.events, [W_BOSON, W_BOSON, HADRONIC_TOP])
    assert min(len(w_boson), len(top)) > 60
    assert np.median(w_boson) == pytest.approx(W_MASS_GEV, abs=8)
    assert np.mean(np.abs(w_boson - W_MASS_GEV) < 20) > 0.6
    assert TOP_MASS_GEV - 20 < np.median(top) < TOP_MASS_GEV + 3


def test_true_particles_have_their_masses(ntuple, signal_events, background_events):
    for name in ("leptonic_top", "hadronic_top"):
        assert np.median(ntuple.events[f"truth_{name}_mass"]) == pytest.approx(TOP_MASS_GEV, abs=0.3)
    np.testing.assert_allclose(signal_events.truth_higgs_mass, HIGGS_MASS_GEV, atol=0.5)
    for name in ("pt", "eta", "phi", "mass"):
        assert np.all(background_events[f"truth_higgs_{name}"] == MISSING)


# Truth ----------------------------------------------------------------------------------------------


def test_no_particle_has_more_jets_than_quarks(ntuple, background_events):
    for origin, n_quarks in ((HIGGS, 2), (LEPTONIC_TOP, 1), (HADRONIC_TOP, 1), (W_BOSON, 2)):
        assert count(ntuple.events.jet_truth_origin == origin).max() == n_quarks
    assert count(background_events.jet_truth_origin == HIGGS).max() == 0


def test_origins_and_flavours_agree(ntuple):
    origin, flavour = (
        ak.flatten(ntuple.events[f"jet_{name}"]).to_numpy() for name in ("truth_origin", "truth_flavour")
    )
    assert set(np.unique(origin)) == {OTHER, HIGGS, LEPTONIC_TOP, HADRONIC_TOP, W_BOSON}
    assert set(np.unique(flavour)) == {0, 4, 5}
    from_b = np.isin(origin, (HIGGS, LEPTONIC_TOP, HADRONIC_TOP))
    assert np.mean(flavour[from_b] == 5) > 0.97
    # Half of the W bosons decay to a c quark, one of its two jets.
    assert 0.15 < np.mean(flavour[origin == W_BOSON] == 4) < 0.35
    assert np.mean(flavour[origin == W_BOSON] == 5) < 0.1


def test_jets_point_where_their_top_quark_went(background_events):
    events = background_events[count(background_events.jet_truth_origin == HADRONIC_TOP) == 1]
    jet_phi = ak.flatten(events.jet_phi[events.jet_truth_origin == HADRONIC_TOP]).to_numpy()
    top_phi = events.truth_hadronic_top_phi.to_numpy()
    difference = np.abs(np.angle(np.exp(1j * (jet_phi - top_phi))))
    # A b quark of a slow top goes anywhere; on average it follows.
    assert np.mean(difference < np.pi / 2) > 0.65


# Jets, leptons, missing momentum --------------------------------------------------------------------


def test_top_pairs_with_a_higgs_boson_have_more_jets_and_more_b_jets(signal_events, background_events):
    for condition in ("jet_truth_flavour == 5", "jet_btag_points >= 2", "jet_pt > 25"):
        column, relation, value = condition.split()
        compare = {"==": np.equal, ">=": np.greater_equal, ">": np.greater}[relation]
        signal, background = (
            count(compare(events[column], float(value))).mean()
            for events in (signal_events, background_events)
        )
        assert signal > background + 0.3


def test_jets_are_ordered_and_fulfil_the_selection(ntuple):
    events = ntuple.events
    assert ak.all(events.jet_pt[:, :-1] >= events.jet_pt[:, 1:])
    assert ak.min(events.jet_pt) > 25
    assert ak.max(np.abs(events.jet_eta)) < 2.5
    assert ak.all(events.n_jet >= 4)
    assert count(events.jet_btag_points >= 2).min() >= 2
    assert ak.all((events.jet_btag > 0.23) == (events.jet_btag_points >= 2))


def test_about_three_quarters_of_all_b_jets_are_tagged_where_tags_are_not_asked_for(ntuple):
    # Jets of an event beyond the two that it was selected for are no fair sample; light jets nearly are.
    flavour, points = (ak.flatten(ntuple.events[f"jet_{name}"]) for name in ("truth_flavour", "btag_points"))
    tagged = {each: ak.mean(points[flavour == each] >= 2) for each in (0, 4, 5)}
    assert tagged[5] > 0.7
    assert 0.1 < tagged[4] < 0.4
    assert tagged[0] < 0.04


def test_leptons_come_with_both_charges_and_flavours(ntuple):
    lepton = {
        name: ak.flatten(ntuple.events[f"lepton_{name}"]).to_numpy() for name in ("charge", "flavour", "pt")
    }
    assert len(lepton["pt"]) == N_EVENTS
    assert lepton["pt"].min() > 27
    assert abs(lepton["charge"].mean()) < 4 / np.sqrt(N_EVENTS)
    assert set(lepton["charge"]) == {-1, 1}
    assert 0.4 < np.mean(lepton["flavour"] == 11) < 0.55


def test_missing_momentum_points_along_the_neutrino(ntuple):
    events = ntuple.events[ntuple.events.truth_neutrino_pt > 60]
    difference = (events.met_phi - events.truth_neutrino_phi).to_numpy()
    distance = np.abs(np.angle(np.exp(1j * difference)))
    assert np.median(distance) < 0.4
    assert np.median(events.met_pt / events.truth_neutrino_pt) == pytest.approx(1, abs=0.2)


# Rates ----------------------------------------------------------------------------------------------


def test_weights_add_up_to_cross_section_times_acceptance(ntuple):
    for name, code in (("signal", 1), ("background", 0)):
        process = ntuple.summary.processes[name]
        weight = ntuple.events.weight[ntuple.events.process == code].to_numpy()
        assert np.ptp(weight) == 0
        assert weight.sum() == pytest.approx(process.cross_section_pb * 1000 * process.efficiency)
    # 832 pb with 29 % in this channel; 0.507 pb, and 58 % of them to b quarks.
    assert ntuple.summary.processes["background"].cross_section_pb == pytest.approx(243.6, rel=0.01)
    assert ntuple.summary.processes["signal"].cross_section_pb == pytest.approx(0.0864, rel=0.01)


def test_the_acceptance_is_that_of_the_channel(ntuple):
    assert 0.34 < ntuple.summary.processes["signal"].efficiency < 0.52
    assert 0.11 < ntuple.summary.processes["background"].efficiency < 0.20


def test_event_numbers_are_unique_in_the_file(ntuple):
    assert len(np.unique(ntuple.events.event_number)) == N_EVENTS


def test_several_processes_and_a_tighter_selection_give_some_of_the_same_events(ntuple, tmp_path):
    path = tmp_path / "a.root"
    generate("tth_bb", path, n_events=6, seed=SEED, selection="4j3b", workers=2)
    tight = read(path)
    rows = {number: row for row, number in enumerate(ntuple.events.event_number.to_list())}
    same = ntuple.events[[rows[number] for number in tight.event_number.to_list()]]
    for name in set(tight.fields) - {"weight"}:
        assert ak.array_equal(tight[name], same[name])
    is_tight = count(ntuple.events.jet_btag_points >= 2) >= 3
    for code in (0, 1):
        expected = ntuple.events.event_number[is_tight & (ntuple.events.process == code)][:3]
        assert expected.to_list() == tight.event_number[tight.process == code].to_list()
