"""Objects picked by their numbers, and sums of what was made of each."""

from __future__ import annotations

import numpy as np
import pytest

import rapidity.autodiff as ad
from rapidity.autodiff.operations import gathering

RNG = np.random.default_rng(3)


def test_gradients_of_repeated_objects_add_up() -> None:
    x = ad.tensor(np.zeros((1, 3, 2), np.float32), requires_gradient=True)
    picked = ad.gather_objects(x, np.array([[0, 2, 2, 2]]))
    picked.backward(np.arange(8, dtype=np.float32).reshape(1, 4, 2))
    assert x.gradient is not None
    np.testing.assert_array_equal(x.gradient.array, [[[0, 1], [0, 0], [12, 15]]])


@pytest.mark.parametrize("block_size", [1, 60, 10_000])
def test_blocks_of_events_do_not_change_the_sums(monkeypatch: pytest.MonkeyPatch, block_size: int) -> None:
    numbers = RNG.integers(0, 4, (7, 4, 3))
    g = RNG.standard_normal((7, 4, 3, 5))
    expected = np.zeros((7, 4, 5))
    for event in range(7):
        np.add.at(expected[event], numbers[event].ravel(), g[event].reshape(-1, 5))
    monkeypatch.setattr(gathering, "BLOCK_SIZE", block_size)
    x = ad.tensor(np.zeros((7, 4, 5)), requires_gradient=True)
    ad.gather_objects(x, numbers).backward(g)
    assert x.gradient is not None
    np.testing.assert_allclose(x.gradient.array, expected)


@pytest.mark.parametrize(
    ("shape", "numbers", "message"),
    [
        (
            (2, 3),
            [[0], [0]],
            r"takes objects \(n_events, .* found shapes \(2, 3\) and \(2, 1\)",
        ),
        ((2, 3, 1), [[0]], r"found shapes \(2, 3, 1\) and \(1, 1\)"),
        ((1, 3, 1), [[0, 3]], r"numbers from 0 to 2, but found 0 to 3: there are 3 objects"),
        ((1, 3, 1), [[-1, 1]], r"but found -1 to 1"),
    ],
)
def test_what_does_not_fit_is_refused(shape: tuple[int, ...], numbers: list[list[int]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ad.gather_objects(np.zeros(shape), np.array(numbers))
