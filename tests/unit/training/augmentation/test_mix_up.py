"""Mixtures of two events."""

from __future__ import annotations

import numpy as np
import pytest

from rapidity.core.errors import ConfigError
from rapidity.core.records import Batch, OutputObjective
from rapidity.training.augmentation.mix_up import MixingUp, check_mixable

N_EVENTS, N_CLASSES = 600, 3
OUTPUTS = {"class": OutputObjective(N_CLASSES), "energy": OutputObjective(1, task="regression")}
TASKS = {"class": "classification", "energy": "regression", "origin": "assignment"}


@pytest.fixture
def batch():
    """Return events whose input is their class, one-hot, and whose energy is ten times its index."""
    target = np.arange(N_EVENTS) % N_CLASSES
    one_hot = np.eye(N_CLASSES, dtype=np.float32)[target]
    return Batch({"x": one_hot, "image": one_hot[:, None, None]}, {"class": target, "energy": 10.0 * target})


def mix(batch, alpha=0.5, seed=1):
    return MixingUp(alpha, OUTPUTS).apply(batch, np.random.default_rng(seed))


def test_inputs_and_targets_are_mixed_alike(batch):
    mixed = mix(batch)
    classes = mixed.targets["class"]
    assert classes.dtype == np.float32
    assert classes.shape == (N_EVENTS, N_CLASSES)
    np.testing.assert_allclose(classes, mixed.inputs["x"], atol=1e-6)
    np.testing.assert_allclose(classes, mixed.inputs["image"][:, 0, 0], atol=1e-6)
    np.testing.assert_allclose(mixed.targets["energy"], classes @ [0, 10, 20], rtol=1e-5, atol=1e-5)


def test_targets_sum_to_one_and_keep_their_expectation(batch):
    classes = mix(batch).targets["class"]
    np.testing.assert_allclose(classes.sum(axis=1), 1, atol=1e-6)
    assert classes.min() >= 0
    # A third each; a mixture of 0/1 has a spread of less than 1/2.
    np.testing.assert_allclose(classes.mean(axis=0), 1 / 3, atol=4 * 0.5 / np.sqrt(N_EVENTS))


def test_a_small_alpha_hardly_mixes(batch):
    assert (mix(batch, alpha=0.01).targets["class"].max(axis=1) > 0.99).mean() > 0.9
    assert (mix(batch, alpha=10.0).targets["class"].max(axis=1) > 0.99).mean() < 0.6


def test_weights_of_classes_stay(batch):
    weight = np.array([1.0, 2.0, 6.0], np.float32)[batch.targets["class"]]
    mixed = mix(Batch(batch.inputs, batch.targets, weight))
    assert mixed.training_weight.dtype == np.float32
    per_class = mixed.training_weight @ mixed.targets["class"] / N_EVENTS
    # Sums of every class as before, but for the spread of the parts.
    np.testing.assert_allclose(per_class, np.array([1, 2, 6]) / 3, rtol=0.1)
    np.testing.assert_allclose(mixed.targets["class"].sum(axis=1), 1, atol=1e-6)


def test_the_loss_of_a_mixture_is_that_of_both_events(batch):
    weight = np.random.default_rng(2).random(N_EVENTS).astype(np.float32)
    log_p = np.log([0.2, 0.3, 0.5])
    mixed = mix(Batch(batch.inputs, batch.targets, weight))
    rng = np.random.default_rng(1)
    first, partner = rng.beta(0.5, 0.5, N_EVENTS), rng.permutation(N_EVENTS)
    losses = -weight * log_p[batch.targets["class"]]
    expected = first * losses + (1 - first) * losses[partner]
    found = -mixed.training_weight * (mixed.targets["class"] @ log_p)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_two_events_of_weight_zero_give_one_of_weight_zero(batch):
    mixed = mix(Batch(batch.inputs, batch.targets, np.zeros(N_EVENTS, np.float32)))
    assert not mixed.training_weight.any()
    np.testing.assert_allclose(mixed.targets["class"].sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ({"class": np.array([0, -1])}, "1 events have no target for the output 'class'"),
        ({"energy": np.array([0.0, np.nan])}, "1 events have no target for the output 'energy'"),
        ({"origin": np.zeros((2, 4), np.int64)}, "'origin' assigns a class to each object"),
    ],
)
def test_what_cannot_be_mixed_is_refused(targets, message):
    with pytest.raises(ConfigError, match=message):
        check_mixable("training.augmentation[0] (mix_up)", targets, None, TASKS)


def test_weights_of_both_signs_are_refused():
    with pytest.raises(ConfigError, match=r"training weights go down to -1.*absolute, drop or ignore"):
        check_mixable("training.augmentation[0] (mix_up)", {}, np.array([1, -1], np.float32), TASKS)
