from __future__ import annotations

import numpy as np
import pytest

from rapidity.samples.ecal.geometry import MAX_ETA, RADIUS_M
from rapidity.samples.ecal.material import RADII_M, SHARES, thickness_x0


def test_the_tracker_has_0_4_radiation_lengths_in_the_middle_and_1_8_at_1_4():
    assert thickness_x0(np.array([0.0, 1.4])).tolist() == [0.4, 1.8]
    assert np.all(np.diff(thickness_x0(np.linspace(0, 1.4, 50))) > 0)


def test_both_halves_are_the_same():
    eta = np.linspace(0, MAX_ETA, 20)
    np.testing.assert_array_equal(thickness_x0(eta), thickness_x0(-eta))


def test_layers_lie_one_after_another_inside_the_crystals_and_make_up_the_whole():
    assert len(RADII_M) == len(SHARES)
    assert np.all(np.diff([0.0, *RADII_M, RADIUS_M]) > 0)
    assert SHARES.sum() == pytest.approx(1.0)
