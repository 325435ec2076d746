"""Dropout with random numbers drawn four at a time."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from rapidity.core.records import Objective  # noqa: E402
from rapidity.engines.torch.dropout import QuickDropout, draw_kept, scheduled  # noqa: E402

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


def test_every_rate_of_a_module_follows_the_schedule_and_is_put_back() -> None:
    layer = torch.nn.TransformerEncoderLayer(8, 2, 16, dropout=0.2, batch_first=True)
    module = torch.nn.ModuleList([layer, torch.nn.LSTM(8, 8, 2, dropout=0.4), torch.nn.AlphaDropout(0.1)])

    def rates() -> list[float]:
        layer, lstm, alpha = module
        return [layer.dropout.p, layer.dropout2.p, layer.self_attn.dropout, lstm.dropout, alpha.p]

    full = rates()
    objective = Objective({}, dropout_strength=lambda step: 0.5**step)
    with scheduled(module, objective) as set_dropout:
        set_dropout(2)
        assert rates() == pytest.approx([rate / 4 for rate in full])
        set_dropout(0)
        assert rates() == full
        set_dropout(1)
    assert rates() == full == [0.2, 0.2, 0.2, 0.4, 0.1]
