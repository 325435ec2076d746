"""Where a window stops."""

from __future__ import annotations

import numpy as np
import pytest

from rapidity.autodiff.operations.images.sweep import Sweep
from rapidity.core.errors import GraphError


def test_stops_are_those_of_the_formula():
    sweep = Sweep((7, 10), (3, 2), stride=(2, 3), padding=((1, 0), (2, 1)), dilation=(1, 4))
    assert sweep.padded_size == (8, 13)
    assert sweep.extent == (3, 5)
    assert sweep.n_places == (3, 3)
    assert list(range(13)[sweep.columns(1)]) == [4, 7, 10]
    assert list(range(8)[sweep.rows(2)]) == [2, 4, 6]


def test_the_interior_is_the_image():
    sweep = Sweep((2, 3), (1, 1), padding=((1, 2), (0, 4)))
    padded = np.zeros(sweep.padded_size)
    padded[sweep.interior()] = 1
    assert padded.shape == (5, 7)
    assert padded.sum() == 6
    assert padded[1:3, :3].all()


@pytest.mark.parametrize(
    ("settings", "overlaps"),
    [({}, True), ({"stride": (2, 2)}, False), ({"stride": (2, 1)}, True), ({"stride": (3, 3)}, False)],
)
def test_overlaps_are_seen(settings, overlaps):
    assert Sweep((6, 6), (2, 2), **settings).has_overlaps is overlaps


def test_a_sweep_turned_around_stops_at_each_pixel():
    sweep = Sweep((5, 6), (3, 2), padding=((0, 2), (1, 0)), dilation=(1, 2))
    back = sweep.turned_around()
    assert back.image_size == sweep.n_places
    assert back.n_places == sweep.image_size


@pytest.mark.parametrize("settings", [{"stride": (1, 2)}, {"padding": ((2, 0), (0, 0))}])
def test_some_sweeps_cannot_be_turned_around(settings):
    assert Sweep((5, 6), (2, 2), **settings).turned_around() is None


@pytest.mark.parametrize(
    ("kernel_size", "settings", "message"),
    [
        ((0, 2), {}, r"kernel_size of a window is \(0, 2\); give two whole numbers from 1 on"),
        ((2, 2), {"padding": ((0, -1), (0, 0))}, r"padding of a window is .* none below 0"),
        ((2, 7), {}, r"a window of 2 x 7 pixels .* image of 5 x 6 pixels.*smaller window or more padding"),
        ((2, 2), {"dilation": (5, 1)}, r"a window of 6 x 2 pixels \(kernel \(2, 2\), dilation \(5, 1\)\)"),
    ],
)
def test_impossible_windows_are_errors(kernel_size, settings, message):
    with pytest.raises(GraphError, match=message):
        Sweep((5, 6), kernel_size, **settings)
