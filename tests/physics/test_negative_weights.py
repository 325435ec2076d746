"""What the guide says of the policies for negative weights, in a smaller version of its measurement."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

PROGRAM = Path(__file__).resolve().parents[2] / "benchmarks" / "negative_weights.py"


@pytest.fixture(scope="module")
def program():
    spec = importlib.util.spec_from_file_location("negative_weights", PROGRAM)
    module = importlib.util.module_from_spec(spec)
    # Its dataclass looks for itself among the modules.
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
        yield module
    finally:
        del sys.modules[spec.name]


@pytest.mark.slow
@pytest.mark.numpy
def test_only_kept_signs_learn_the_right_density(program):
    absolute, drop, keep = (values.mean() for values in program.measure(5000, 0.4, 0, repetitions=2))
    assert keep < 0.002
    assert drop > 0.006
    assert absolute > 2 * drop


@pytest.mark.slow
@pytest.mark.numpy
def test_kept_signs_run_away_where_negative_events_stand_alone(program):
    absolute, _, keep = (values.mean() for values in program.measure(500, 0.4, 9, repetitions=2))
    assert keep > absolute


def test_the_drawn_yields_are_equal_and_the_excess_is_subtracted(program):
    events = program.draw(1000, 0.4, 2, np.random.default_rng(1))
    assert events.features.shape == (2800, 3)
    assert [events.weight[events.class_index == k].sum() for k in (0, 1)] == [1000, 1000]
    signal = events.weight[events.class_index == 1]
    assert (signal < 0).sum() == 400
