from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from pydantic import TypeAdapter

from rapidity.config.training import Adam, AdamW, Schedule, Training
from rapidity.core.errors import ConfigError
from rapidity.training import Span, make_schedule
from rapidity.training.schedules import CURVES, make_decay_schedule, make_dropout_schedule

TYPES = ("constant", "step", "cosine", "one_cycle", "cos_log", "reduce_on_plateau")
WITH_WARM_UP = [kind for kind in TYPES if kind != "cos_log"]


def rates(keys, learning_rate=1.0, n_epochs=10, steps_per_epoch=5):
    span = Span(n_epochs, steps_per_epoch)
    schedule = make_schedule(TypeAdapter(Schedule).validate_python(keys), learning_rate, span)
    return [schedule(step) for step in range(span.n_steps)]


def test_every_schedule_of_the_configuration_has_a_curve():
    assert tuple(CURVES) == TYPES


@pytest.mark.parametrize("kind", TYPES)
def test_rates_are_proportional_to_the_full_rate(kind):
    assert rates(kind, learning_rate=0.3) == pytest.approx([0.3 * rate for rate in rates(kind)])


@pytest.mark.parametrize("kind", TYPES)
def test_rates_stay_between_zero_and_the_full_rate(kind):
    for n_epochs, steps in ((1, 1), (1, 2), (2, 3), (10, 5)):
        assert all(0 < rate <= 1 + 1e-12 for rate in rates(kind, n_epochs=n_epochs, steps_per_epoch=steps))


def test_constant():
    assert rates("constant") == [1.0] * 50


def test_step_falls_every_few_epochs():
    found = rates({"type": "step", "every": 4, "factor": 0.5})
    assert found == [1.0] * 20 + [0.5] * 20 + [0.25] * 10


def test_cosine_is_half_way_down_in_the_middle_and_ends_above_final():
    found = rates({"type": "cosine", "final": 0.2})
    assert found[0] == 1.0
    assert found[25] == pytest.approx(0.6)
    assert 0.2 < found[-1] < 0.205


def test_one_cycle_starts_peaks_and_ends_where_it_should():
    found = rates({"type": "one_cycle", "rise": 0.2, "start": 0.1, "final": 1e-3})
    assert found[0] == pytest.approx(0.1)
    assert found[9] == max(found) == pytest.approx(1.0)
    assert found[-1] == pytest.approx(1e-3)


@pytest.mark.parametrize("kind", WITH_WARM_UP)
def test_warm_up_grows_linearly_to_the_first_rate(kind):
    found = rates({"type": kind, "warm_up": 0.8})
    curve = rates({"type": kind})
    assert found[:4] == pytest.approx([curve[0] * part for part in (0.25, 0.5, 0.75, 1.0)])
    assert found[4] == curve[0]


def test_curve_after_the_warm_up_takes_the_rest_of_the_training():
    found = rates({"type": "cosine", "warm_up": 2})
    assert found[10:] == pytest.approx(rates("cosine", n_epochs=8))


def test_warm_up_that_takes_everything_is_refused():
    with pytest.raises(ConfigError, match=r"warm_up: 10 epochs leave nothing of training\.epochs = 10"):
        rates({"type": "cosine", "warm_up": 10})


@pytest.mark.parametrize("cycles", [1, 4])
def test_cos_log_is_zero_between_cycles_that_double(cycles):
    n_steps = 15_000
    found = np.array(rates({"type": "cos_log", "cycles": cycles}, n_epochs=n_steps, steps_per_epoch=1))
    ends = (2.0 ** np.arange(cycles + 1) - 1) / (2**cycles - 1) * n_steps
    for start, stop in pairwise(ends.round().astype(int)):
        assert found[start] == pytest.approx(0, abs=1e-3)
        assert found[stop - 1] == pytest.approx(0, abs=1e-3)
        # Half a cycle on the logarithmic scale: (1 + t) has grown by the root of two.
        middle = round((2**0.5 - 1) / (2 - 1) * (stop - start)) + start
        assert found[middle] == pytest.approx(1, abs=1e-3)


def test_cos_log_takes_the_formula_in_the_middle_of_each_step():
    t = (np.arange(50) + 0.5) / 50
    expected = 0.5 * (1 - np.cos(2 * np.pi * np.log2(1 + 15 * t)))
    np.testing.assert_allclose(rates("cos_log"), expected, rtol=1e-12)


def test_cos_log_wants_no_warm_up():
    with pytest.raises(ValueError, match=r"warm_up is 2, but cos_log begins at zero by itself\. Leave"):
        rates({"type": "cos_log", "warm_up": 2})


def test_the_weight_decay_falls_in_the_second_half_where_asked():
    span = Span(10, 5)
    assert make_decay_schedule(AdamW(type="adamw"), span) is None
    assert make_decay_schedule(Adam(type="adam"), span) is None
    strength = make_decay_schedule(AdamW(type="adamw", decay_schedule="flat_cosine"), span)
    found = [strength(step) for step in range(50)]
    assert found[:25] == [1.0] * 25
    t = (np.arange(25, 50) + 0.5) / 50
    np.testing.assert_allclose(found[25:], 0.5 * (1 + np.cos(np.pi * (2 * t - 1))), atol=1e-12)


def test_dropout_falls_in_the_second_half_where_asked():
    span = Span(2, 3)
    assert make_dropout_schedule(Training(), span) is None
    strength = make_dropout_schedule(Training(dropout_schedule="flat_cosine"), span)
    expected = [1, 1, 1, 0.5 + 0.75**0.5 / 2, 0.5, 0.5 - 0.75**0.5 / 2]
    np.testing.assert_allclose([strength(step) for step in range(6)], expected, atol=1e-12)


@pytest.mark.torch
@pytest.mark.parametrize(("n_epochs", "steps"), [(10, 5), (3, 7), (1, 4)])
def test_one_cycle_agrees_with_torch(n_epochs, steps):
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=0.5, total_steps=n_epochs * steps, cycle_momentum=False
    )
    assert rates("one_cycle", 0.5, n_epochs, steps) == pytest.approx(rates_of(theirs, n_epochs * steps))


@pytest.mark.torch
def test_cosine_agrees_with_torch():
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.5)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=50, eta_min=0.05)
    assert rates({"type": "cosine", "final": 0.1}, 0.5) == pytest.approx(rates_of(theirs, 50))


def rates_of(scheduler, n_steps):
    found = []
    for _ in range(n_steps):
        found.append(scheduler.get_last_lr()[0])
        scheduler.optimizer.step()
        if len(found) < n_steps:
            scheduler.step()
    return found
