"""Dropout with random numbers drawn four at a time."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from rapidity.engines.torch.dropout import QuickDropout, draw_kept  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_so_many_values_are_dropped_and_the_rest_is_scaled(rate: float) -> None:
    torch.manual_seed(1)
    kept = draw_kept(torch.empty(999, 1001), rate)
    n_kept = int((kept > 0).sum())
    # Five standard deviations of a binomial number.
    n = kept.numel()
    assert abs(n_kept - n * (1 - rate)) < 5 * (n * rate * (1 - rate)) ** 0.5
    assert kept.unique().tolist() == pytest.approx([0, 1 / (1 - rate)], rel=1e-4)


def test_neighbouring_values_are_dropped_independently() -> None:
    torch.manual_seed(2)
    kept = draw_kept(torch.empty(4, 250_000), 0.5) > 0
    for shift in (1, 2, 3, 4):
        both = (kept[:, shift:] & kept[:, :-shift]).float().mean()
        assert float(both) == pytest.approx(0.25, abs=0.0025)


def test_nothing_is_dropped_outside_training_or_at_a_rate_of_zero() -> None:
    x = torch.ones(3, 4)
    assert QuickDropout(0.5).eval()(x) is x
    assert torch.equal(QuickDropout(0.0)(x), x)
