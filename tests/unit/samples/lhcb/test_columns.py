from __future__ import annotations

import numpy as np

from rapidity.samples.lhcb.clusters import find_radiated_photons
from rapidity.samples.lhcb.columns import CLASSES, COLUMNS, LABEL, MISSING, ORDER, finish_columns
from rapidity.samples.lhcb.combination import PARTS, combine


def test_there_are_49_features_and_a_label():
    assert len(COLUMNS) == 49
    assert len(ORDER) == len(set(ORDER)) == 50
    assert ORDER.index(LABEL) == 35
    assert tuple(sorted(CLASSES)) == CLASSES


def test_what_is_not_measured_becomes_the_sentinel():
    values = {name: np.array([np.nan, 1.23456789, -1e-9]) for name in COLUMNS}
    finished = finish_columns(values)
    assert tuple(finished) == tuple(COLUMNS)
    column = finished["EcalE"]
    assert column.tolist() == [MISSING, 1.234568, 0.0]
    assert not np.signbit(column[2])


def test_combined_differences_are_sums():
    names = {name for parts in PARTS.values() for name in parts} | {"MuonLLbeMuon", "MuonLLbeBCK"}
    columns = {name: np.array([1.0, np.nan]) for name in names}
    columns["MuonLLbeMuon"] = np.array([-0.5, -0.5])
    columns["MuonLLbeBCK"] = np.array([-4.5, -4.5])
    combined = combine(columns)
    assert combined["DLLelectron"][0] == 5
    assert combined["DLLmuon"].tolist() == [7, 4]
    assert np.isnan(combined["DLLkaon"][1])


def test_photons_are_looked_for_where_the_calorimeter_is(rng):
    from rapidity.samples.lhcb.candidates import draw_candidates
    from rapidity.samples.lhcb.geometry import find_acceptance

    candidates = draw_candidates(np.zeros(500, dtype=np.int64), rng)
    acceptance = find_acceptance(candidates.paths)
    found = find_radiated_photons(candidates, acceptance, rng)["BremDLLbeElectron"]
    np.testing.assert_array_equal(np.isnan(found), ~acceptance.brem)
