"""Distributions of the initial parameters."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from rapidity.network.initializers import INITIALIZERS, Initializer
from rapidity.network.layer import ParameterSpec

FAN_IN, FAN_OUT = 200, 600
RELATIVE_TOLERANCE = 0.01
"""The standard deviation of 120,000 draws is known to 0.2 %, so this is five of its errors."""


def draw(name: Initializer) -> np.ndarray:
    spec = ParameterSpec("kernel", (FAN_IN, FAN_OUT), name, FAN_IN, FAN_OUT)
    return INITIALIZERS[name](np.random.default_rng(1), spec)


def test_the_table_holds_every_name() -> None:
    assert set(INITIALIZERS) == set(get_args(Initializer))


@pytest.mark.parametrize(
    ("name", "variance"),
    [
        ("he_uniform", 2 / FAN_IN),
        ("he_normal", 2 / FAN_IN),
        ("glorot_uniform", 2 / (FAN_IN + FAN_OUT)),
        ("glorot_normal", 2 / (FAN_IN + FAN_OUT)),
        ("lecun_normal", 1 / FAN_IN),
        ("fan_in_uniform", 1 / (3 * FAN_IN)),
        ("small_normal", 0.02**2),
        ("unit_normal", 1.0),
        ("unit_uniform", 1 / 3),
        ("zeros", 0.0),
    ],
)
def test_variance_is_that_of_the_source(name: Initializer, variance: float) -> None:
    values = draw(name)
    assert values.dtype == np.float32
    assert values.std() == pytest.approx(np.sqrt(variance), rel=RELATIVE_TOLERANCE)


@pytest.mark.parametrize("name", ["he_uniform", "glorot_uniform", "fan_in_uniform", "unit_uniform"])
def test_uniform_draws_stay_within_their_limits(name: Initializer) -> None:
    values = draw(name)
    limit = np.sqrt(3) * values.std() * (1 + RELATIVE_TOLERANCE)
    assert np.abs(values).max() <= limit
