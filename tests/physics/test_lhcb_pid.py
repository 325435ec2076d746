"""The physics of the simulated tracks: thresholds, rings, showers, ranges, and how the classes overlap."""

from __future__ import annotations

import csv
from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from rapidity.data.guards.separating_feature import AUC_LIMIT, class_aucs
from rapidity.samples.lhcb.columns import CLASSES, COLUMNS, MISSING, ORDER
from rapidity.samples.lhcb.simulation import simulate_tracks

N_TRACKS = 48_000
EVERYWHERE_AT_MOST = 0.25
# What a detector says only of tracks that it took for something: MuonLL of those that pass the loose
# decision, clusters of those that made one.
CONDITIONAL = {
    "MuonLLbeMuon": 0.9,
    "MuonLLbeBCK": 0.9,
    "Calo3dFitQuality": 0.4,
    "EcalShowerLongitudinalParameter": 0.4,
}

Columns = Mapping[str, NDArray[np.float64]]


@pytest.fixture(scope="module")
def class_index() -> NDArray[np.int64]:
    return np.arange(N_TRACKS) % len(CLASSES)


@pytest.fixture(scope="module")
def tracks(class_index) -> Columns:
    return simulate_tracks(class_index, np.random.default_rng(5))


@pytest.fixture(scope="module")
def pick(tracks, class_index):
    """Return a column of the tracks of one class in a range of momenta (GeV), where it was measured."""

    def choose(column: str, name: str, low: float = 0.0, high: float = 1e9, *, where: str = "") -> NDArray:
        p_gev = tracks["TrackP"] / 1000.0
        rows = (class_index == CLASSES.index(name)) & (p_gev > low) & (p_gev < high)
        rows &= tracks[column] != MISSING
        if where:
            rows &= tracks[where] == 1
        return tracks[column][rows]

    return choose


def test_pions_begin_to_shine_at_2_6_gev_and_kaons_at_9_3(tracks):
    in_gas = (tracks["FlagRICH1"] == 1) & (tracks["FlagRICH2"] == 0)
    p_gev = tracks["TrackP"] / 1000.0
    for name, threshold in (("Muon", 2.0), ("Pion", 2.64), ("Kaon", 9.33), ("Proton", 17.7)):
        flag = tracks[f"RICHpFlag{name}"][in_gas]
        np.testing.assert_array_equal(flag[p_gev[in_gas] < threshold * 0.99], 0)
        np.testing.assert_array_equal(flag[p_gev[in_gas] > threshold * 1.01], 1)


def test_kaons_are_told_from_pions_best_at_middle_momenta(pick):
    separation = [
        np.median(pick("RICH_DLLbeKaon", "Kaon", low, high, where="FlagRICH2"))
        - np.median(pick("RICH_DLLbeKaon", "Pion", low, high, where="FlagRICH2"))
        for low, high in ((1.5, 3.0), (10.0, 25.0), (90.0, 300.0))
    ]
    assert separation[0] < separation[1] > separation[2] > 0
    assert separation[1] > 20


@pytest.mark.parametrize(("low", "high"), [(3, 10), (10, 30), (30, 60)])
def test_a_few_per_cent_of_pions_are_taken_for_kaons(pick, low, high):
    assert np.mean(pick("DLLkaon", "Kaon", low, high) > 0) > 0.88
    assert 0.005 < np.mean(pick("DLLkaon", "Pion", low, high) > 0) < 0.10


def test_electrons_leave_their_momentum_in_the_calorimeter_and_pions_less(tracks, pick):
    electron = pick("EcalE", "Electron", 5, 60) / pick("TrackP", "Electron", 5, 60, where="FlagEcal")
    assert np.median(electron) == pytest.approx(1.0, abs=0.06)
    assert np.mean(np.abs(electron - 1) < 0.15) > 0.6
    pion = pick("EcalE", "Pion", 5, 60) / pick("TrackP", "Pion", 5, 60, where="FlagEcal")
    assert np.median(pion) < 0.5
    # Some showers of pions are nearly all electromagnetic: what makes the classes overlap.
    assert 0.01 < np.mean(np.abs(pion - 1) < 0.15) < 0.15


def test_electrons_shower_in_the_preshower(pick):
    assert np.median(pick("PrsE", "Electron", 5, 50)) > 10 * np.median(pick("PrsE", "Muon", 5, 50))


def test_electrons_radiate(pick):
    found = {name: np.mean(pick("BremDLLbeElectron", name) > 0) for name in ("Electron", "Pion")}
    assert found["Electron"] > 0.25
    assert found["Pion"] < 0.1


def test_muons_need_three_gev_to_reach_the_stations(pick):
    assert not np.any(pick("MuonFlag", "Muon", 0, 3))
    assert np.mean(pick("MuonFlag", "Muon", 6, 100, where="FlagMuon")) > 0.9


@pytest.mark.parametrize("name", ["Pion", "Kaon", "Proton"])
def test_few_hadrons_are_taken_for_muons(pick, name):
    rates = [
        np.mean(pick("MuonFlag", name, low, high, where="FlagMuon")) for low, high in ((3, 10), (10, 100))
    ]
    assert rates[0] < 0.08
    assert rates[1] < 0.03


def test_decaying_hadrons_are_taken_for_muons_more_often_than_protons(pick):
    pion, proton = (np.mean(pick("MuonFlag", name, 6, 40, where="FlagMuon")) for name in ("Pion", "Proton"))
    assert pion > 2 * proton


def test_muons_ionise_and_hadrons_shower(pick):
    assert np.median(pick("HcalE", "Muon", 10, 60)) == pytest.approx(2000, rel=0.25)
    assert np.median(pick("HcalE", "Proton", 10, 60)) > 2 * np.median(pick("HcalE", "Muon", 10, 60))


def test_ghosts_fit_worse_and_lack_hits(pick):
    assert np.median(pick("TrackQualityPerNDoF", "Ghost")) > 1.4 * np.median(
        pick("TrackQualityPerNDoF", "Pion")
    )
    assert np.mean(pick("TrackNDoF", "Ghost")) < np.mean(pick("TrackNDoF", "Pion")) - 1
    assert np.median(pick("GhostProbability", "Ghost")) > 5 * np.median(pick("GhostProbability", "Pion"))


def test_detectors_agree_because_they_see_the_same_particle(pick, tracks, class_index):
    """Within one class hypotheses of the RICH go together, and energy in the ECAL is missing in the HCAL."""
    pions = (class_index == CLASSES.index("Pion")) & (tracks["RICH_DLLbeKaon"] != MISSING)
    kaon, proton = tracks["RICH_DLLbeKaon"][pions], tracks["RICH_DLLbeProton"][pions]
    assert np.corrcoef(kaon, proton)[0, 1] > 0.7
    rows = pions & (tracks["FlagEcal"] == 1) & (tracks["TrackP"] > 10_000) & (tracks["TrackP"] < 40_000)
    ecal, hcal = (tracks[name][rows] / tracks["TrackP"][rows] for name in ("EcalE", "HcalE"))
    assert np.corrcoef(ecal, hcal)[0, 1] < -0.3


def test_soft_tracks_leave_the_spectrometer_with_nothing_measured(tracks):
    lost = (tracks["FlagEcal"] == 0) & (tracks["FlagRICH2"] == 0) & (tracks["FlagMuon"] == 0)
    lost &= tracks["FlagHcal"] == 0
    sideways = lost & (tracks["TrackPt"] > 0.05 * tracks["TrackP"])
    assert np.mean(tracks["TrackP"][sideways] < 8000) > 0.95
    for name in ("RICH_DLLbeKaon", "EcalE", "SpdE", "DLLelectron", "DLLmuon", "Calo2dFitQuality"):
        assert np.all(tracks[name][lost] == MISSING)


def test_sentinels_are_as_frequent_as_in_the_public_file(tracks):
    for name, values in tracks.items():
        limit = CONDITIONAL.get(name, EVERYWHERE_AT_MOST)
        assert np.mean(values == MISSING) <= limit, name
        always = name.startswith(("Flag", "Track", "RICHp", "Ghost", "MuonFlag", "MuonLoose"))
        assert np.any(values == MISSING) != always, name


def test_values_are_those_of_the_public_file_where_its_first_rows_show_them(tracks):
    assert set(np.unique(tracks["SpdE"])) == {MISSING, 0.0, 3.2}
    empty = tracks["EcalE"][(tracks["FlagEcal"] == 1) & (np.abs(tracks["EcalE"]) < 1)]
    assert 0 < np.std(empty) < 1e-4
    rest = tracks["TrackNDoF"] - tracks["TrackNDoFSubdetector1"] - tracks["TrackNDoFSubdetector2"]
    assert set(np.unique(rest)) <= {5.0, 7.0, 8.0, 9.0}
    for name in (name for name in COLUMNS if "Flag" in name):
        assert set(np.unique(tracks[name])) == {0.0, 1.0}


@pytest.mark.data
def test_first_rows_of_the_public_file_lie_in_the_ranges_of_the_simulation(tracks, shared_data):
    with (shared_data / "lhcb_pid" / "training_head.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert tuple(rows[0]) == ORDER
    for name, values in tracks.items():
        measured = values[values != MISSING]
        low, high = measured.min(), measured.max()
        # The references of the likelihoods are not LHCb's own.
        margin = 0.1 * (high - low)
        for row in rows:
            value = float(row[name])
            assert value == MISSING or low - margin <= value <= high + margin, (name, value)


def test_no_column_alone_separates_a_class(tracks, class_index):
    for name, values in tracks.items():
        aucs = class_aucs(np.where(values == MISSING, np.nan, values), class_index, np.ones(len(CLASSES)))
        assert np.abs(aucs - 0.5).max() + 0.5 < min(AUC_LIMIT, 0.97), name


@pytest.mark.slow
def test_a_boosted_tree_tells_the_classes_as_well_as_in_the_detector(tracks, class_index):
    matrix = np.stack(list(tracks.values()), axis=1)
    n_train = 3 * N_TRACKS // 4
    model = HistGradientBoostingClassifier(max_iter=60, learning_rate=0.15, random_state=1)
    model.fit(matrix[:n_train], class_index[:n_train])
    scores = model.predict_proba(matrix[n_train:])
    truth = class_index[n_train:]
    aucs = {name: roc_auc_score(truth == index, scores[:, index]) for index, name in enumerate(CLASSES)}
    assert all(0.90 < auc < 0.998 for auc in aucs.values()), aucs
    assert aucs["Electron"] > 0.97
