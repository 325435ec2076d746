from __future__ import annotations

import numpy as np
import pytest

from rapidity.core.classes import ClassSet
from rapidity.core.errors import DataError


def test_single_logit_stands_for_signal_wherever_it_is_listed():
    assert ClassSet(("signal", "background")).positive_index == 0
    assert ClassSet(("background", "signal")).positive_index == 1


def test_single_logit_stands_for_the_second_class_without_a_signal():
    assert ClassSet(("electron", "muon")).positive_index == 1


@pytest.mark.parametrize("names", [("signal", "b"), ("b", "signal"), ("a", "b", "c")])
def test_probabilities_sum_to_one_in_class_order(names):
    classes = ClassSet(names)
    logits = np.random.default_rng(1).normal(size=(7, classes.n_logits))
    probabilities = classes.probabilities(logits)
    assert probabilities.shape == (7, len(names))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-14)
    if classes.n_logits == 1:
        sigmoid = 1 / (1 + np.exp(-logits[:, 0]))
        np.testing.assert_allclose(probabilities[:, classes.positive_index], sigmoid, rtol=1e-12)


def test_log_probabilities_do_not_overflow():
    values = ClassSet(("b", "signal")).log_probabilities(np.array([[-2000.0], [2000.0]]))
    np.testing.assert_array_equal(values, [[0.0, -2000.0], [-2000.0, 0.0]])


def test_repeated_names_are_refused():
    with pytest.raises(DataError, match="class names must differ, found: a, a"):
        ClassSet(("a", "a"))
