"""Every way to the same convolution: tiles of all widths, gathered or added up, in one block or in many."""

from __future__ import annotations

import numpy as np
import pytest

from rapidity.autodiff.operations.images import tiles
from rapidity.autodiff.operations.images.sweep import Sweep
from rapidity.autodiff.workspace import PLAIN

SWEEPS = [
    Sweep((6, 8), (3, 3), padding=((1, 1), (1, 1))),
    Sweep((7, 9), (2, 3), stride=(2, 1), padding=((0, 1), (2, 3)), dilation=(1, 2)),
    Sweep((5, 13), (3, 2), stride=(1, 2)),
    Sweep((4, 12), (1, 1)),
    Sweep((6, 7), (2, 2), padding=((0, 0), (3, 2))),
]


@pytest.fixture(params=SWEEPS, ids=str)
def sweep(request):
    return request.param


@pytest.fixture
def arrays(sweep):
    """Return images, a kernel and the gradient of their convolution."""
    rng = np.random.default_rng(0)
    shapes = (5, *sweep.image_size, 3), (*sweep.kernel_size, 3, 2), (5, *sweep.n_places, 2)
    return [rng.normal(size=shape) for shape in shapes]


def all_results(x, kernel, gradient, sweep):
    """Return the convolution and both gradients."""
    return [
        tiles.convolve(PLAIN, x, kernel, None, sweep),
        tiles.kernel_gradient(PLAIN, x, gradient, sweep),
        tiles.input_gradient(PLAIN, gradient, kernel, sweep),
    ]


def assert_equal(found, expected):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)


def test_tiles_of_all_widths_agree(arrays, sweep, monkeypatch):
    expected = all_results(*arrays, sweep)
    monkeypatch.setattr(tiles, "find_way_back", lambda *_: None)
    widths = [width for width in range(1, sweep.n_places[1] + 1) if sweep.n_places[1] % width == 0]
    assert len(widths) > 1
    for width in widths:
        for name in ("choose_tiling", "choose_scatter_tiling"):
            monkeypatch.setattr(
                tiles, name, lambda s, n_in, n_out, width=width: tiles.Tiling(s, n_in, n_out, width)
            )
        assert_equal(all_results(*arrays, sweep), expected)


def test_the_way_back_is_the_same_turned_around(arrays, sweep, monkeypatch):
    _, kernel, gradient = arrays
    back = sweep.turned_around()
    if back is None:
        assert tiles.find_way_back(sweep, 3, 2) is None
        return
    results = []
    for way in (None, back):
        monkeypatch.setattr(tiles, "find_way_back", lambda *_, way=way: way)
        results.append(tiles.input_gradient(PLAIN, gradient, kernel, sweep))
    np.testing.assert_allclose(*results, atol=1e-12)


def test_many_blocks_agree_with_one(arrays, sweep, monkeypatch):
    expected = all_results(*arrays, sweep)
    n_bytes = 8 * int(np.prod(tiles.choose_tiling(sweep, 3, 2).shape))
    for n_events in (1, 2):
        monkeypatch.setattr(tiles, "BLOCK_BYTES", n_events * n_bytes)
        assert_equal(all_results(*arrays, sweep), expected)


def test_few_channels_make_wide_tiles_and_many_narrow_ones():
    few = tiles.choose_tiling(Sweep((28, 28), (5, 5), padding=((2, 2), (2, 2))), 1, 6)
    many = tiles.choose_tiling(Sweep((28, 28), (3, 3), padding=((1, 1), (1, 1))), 64, 64)
    assert few.width > 2
    assert many.width == 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_neighbours_of_the_images_are_not_touched(dtype):
    # A view over overlapping tiles that reaches too far would read or write the next image.
    sweep = Sweep((4, 6), (2, 3))
    x = np.zeros((3, 4, 6, 1), dtype)
    x[1] = 1
    made = tiles.convolve(PLAIN, x, np.ones((2, 3, 1, 1), dtype), None, sweep)
    assert (made[1] == 6).all()
    assert not made[[0, 2]].any()
    gradient = np.zeros(made.shape, dtype)
    gradient[1] = 1
    given = tiles.input_gradient(PLAIN, gradient, np.ones((2, 3, 1, 1), dtype), sweep)
    assert given[1].sum() == 3 * 4 * 6
    assert not given[[0, 2]].any()
