from __future__ import annotations

import numpy as np

from rapidity.samples.dijets.matching import ETA_EDGES, PT_EDGES_GEV, match_spectra


def test_both_classes_have_the_same_spectra_and_the_first_jets_stay(rng):
    kind = rng.integers(-1, 2, 3_000)
    pt = np.where(kind == 1, rng.uniform(70, 400, 3_000), 70 + 330 * rng.random(3_000) ** 3)
    eta = np.where(kind == 1, rng.uniform(-1.8, 1.8, 3_000), rng.normal(0, 0.5, 3_000).clip(-1.79, 1.79))
    rows = match_spectra(kind, pt, eta)
    assert np.all(np.diff(rows) > 0)
    cells = [
        np.histogram2d(pt[part], np.abs(eta[part]), (PT_EDGES_GEV, ETA_EDGES))[0]
        for part in (rows[kind[rows] == 0], rows[kind[rows] == 1])
    ]
    np.testing.assert_array_equal(*cells)
    assert np.all(kind[rows] >= 0)
    # In each cell all jets of one class stay.
    full = [
        np.histogram2d(pt[kind == k], np.abs(eta[kind == k]), (PT_EDGES_GEV, ETA_EDGES))[0] for k in (0, 1)
    ]
    np.testing.assert_array_equal(cells[0], np.minimum(*full))


def test_nothing_stays_without_the_other_class():
    assert match_spectra(np.zeros(4, int), np.full(4, 100.0), np.zeros(4)).tolist() == []
