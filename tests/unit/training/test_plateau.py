from __future__ import annotations

import pytest

from rapidity.config.training import ReduceOnPlateau
from rapidity.training.plateau import Plateau

LOSSES = [1.0, 0.9, 0.95, 0.9, 0.8999, 0.85, 0.85, 0.85, 0.85, 0.85, 0.85, 0.2, 0.3, 0.3, 0.3]


def factors(losses, **keys):
    config = ReduceOnPlateau(type="reduce_on_plateau", **keys)
    plateau, found = Plateau(), []
    for loss in losses:
        plateau = plateau.updated(loss, config)
        found.append(plateau.factor)
    return found


def test_rate_falls_when_patience_is_over_and_waits_again():
    found = factors([1.0, 1.0, 1.0, 1.0, 1.0], factor=0.5, patience=1)
    assert found == [1.0, 1.0, 0.5, 0.5, 0.25]


def test_fall_smaller_than_min_delta_does_not_count():
    assert factors([1.0, 0.95, 0.91], factor=0.5, patience=1, min_delta=0.1)[-1] == 0.5


def test_factor_does_not_fall_below_final():
    assert factors([1.0] * 10, factor=0.1, patience=0, final=0.01)[-1] == 0.01


def test_state_comes_back_from_a_checkpoint():
    plateau = Plateau(0.5, 0.3, 2)
    assert Plateau.from_dict(plateau.to_dict()) == plateau


@pytest.mark.torch
@pytest.mark.parametrize("patience", [0, 1, 3])
def test_agrees_with_torch(patience):
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, factor=0.3, patience=patience, threshold=1e-3, threshold_mode="abs", min_lr=0.01, eps=0
    )
    expected = []
    for loss in LOSSES:
        theirs.step(loss)
        expected.append(theirs.get_last_lr()[0])
    assert factors(LOSSES, patience=patience, min_delta=1e-3, final=0.01) == pytest.approx(expected)
