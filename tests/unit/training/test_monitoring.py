from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rapidity.core.classes import ClassSet
from rapidity.core.records import Batch, Objective, OutputObjective
from rapidity.metrics import log_loss, macro_auc
from rapidity.training.monitoring import (
    choose_rows,
    evaluation_batch_size,
    log_probabilities,
    losses_per_event,
    measure,
    take_rows,
)

RNG_SEED = 5


class Parrot:
    """A model whose logits are its inputs."""

    def predict(self, batches, names=()):
        return {"class": np.concatenate([batch.inputs["features"] for batch in batches])}


def make_case(n_classes, n_events=300, weighted=False):
    rng = np.random.default_rng(RNG_SEED)
    n_logits = 1 if n_classes == 2 else n_classes
    logits = rng.normal(size=(n_events, n_logits)).astype(np.float32)
    weight = rng.uniform(0.1, 2, n_events).astype(np.float32) if weighted else None
    events = Batch({"features": logits}, {"class": rng.integers(0, n_classes, n_events)}, weight)
    return events, Objective({"class": OutputObjective(n_classes)})


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("weighted", [False, True])
def test_metrics_are_those_of_the_metrics_package(n_classes, weighted):
    events, objective = make_case(n_classes, weighted=weighted)
    found = measure(Parrot(), events, objective)
    classes = ClassSet(tuple("abcd"[:n_classes]))
    log_p = classes.log_probabilities(events.inputs["features"])
    target, weight = events.targets["class"], events.training_weight
    assert found.loss == pytest.approx(log_loss(target, log_p, weight))
    assert found.auc == pytest.approx(macro_auc(target, log_p, weight))
    assert 0 < found.accuracy < 1


def test_weight_of_two_equals_the_event_twice():
    events, objective = make_case(3)
    twice = take_rows(events, np.concatenate([np.arange(300), np.arange(300)[:50]]))
    weight = np.where(np.arange(300) < 50, 2, 1).astype(np.float32)
    found = measure(Parrot(), replace(events, training_weight=weight), objective)
    expected = measure(Parrot(), twice, objective)
    assert (found.loss, found.accuracy, found.auc) == pytest.approx(
        (expected.loss, expected.accuracy, expected.auc)
    )


def test_single_logit_stands_for_the_positive_class():
    logits = np.array([[3.0], [-1.0]])
    first = log_probabilities(logits, OutputObjective(2, positive_index=0))
    second = log_probabilities(logits, OutputObjective(2, positive_index=1))
    assert np.array_equal(first, second[:, ::-1])
    assert first[0, 0] > first[0, 1]


def test_huge_logits_do_not_overflow():
    log_p = log_probabilities(np.array([[1e4], [-1e4]]), OutputObjective(2))
    assert log_p[:, 1] == pytest.approx([0.0, -1e4])


def test_label_smoothing_follows_its_definition():
    output = OutputObjective(4, label_smoothing=0.2)
    log_p = log_probabilities(np.array([[1.0, 2.0, 0.5, -1.0]]), output)
    target = 0.8 * np.array([0, 1, 0, 0]) + 0.2 / 4
    assert losses_per_event(log_p, np.array([1]), output) == pytest.approx([-(target @ log_p[0])])


def test_focal_loss_turns_easy_events_down():
    output = OutputObjective(2, loss="focal", focusing=2.0)
    log_p = np.log(np.array([[0.1, 0.9], [0.6, 0.4]]))
    expected = [-(0.1**2) * np.log(0.9), -(0.6**2) * np.log(0.4)]
    assert losses_per_event(log_p, np.array([1, 1]), output) == pytest.approx(expected)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_logit_that_is_not_finite_gives_such_a_loss(value):
    events, objective = make_case(3)
    events.inputs["features"][7, 1] = value
    assert not np.isfinite(measure(Parrot(), events, objective).loss)


def test_auc_without_one_of_the_classes_is_not_defined():
    events, objective = make_case(2)
    alone = replace(events, targets={"class": np.zeros(300, dtype=np.int64)})
    assert measure(Parrot(), alone, objective).auc is None


def test_chosen_rows_are_sorted_and_depend_on_the_seed_only():
    rows = choose_rows(50_000, seed=1)
    assert np.array_equal(rows, np.unique(rows))
    assert np.array_equal(rows, choose_rows(50_000, seed=1))
    assert not np.array_equal(rows, choose_rows(50_000, seed=2))


def test_all_rows_are_the_same_object():
    events, _ = make_case(2)
    assert take_rows(events, np.arange(300)) is events


class TwoParrots:
    """A model whose results are its inputs of the same name."""

    def predict(self, batches, names=()):
        parts = [batch.inputs for batch in batches]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


REGRESSION = OutputObjective(1, task="regression", loss="huber", delta=0.5, weight=3.0, ignores_missing=True)


def test_outputs_are_measured_by_themselves_and_added_with_their_factors():
    rng = np.random.default_rng(RNG_SEED)
    values = rng.normal(size=(40, 1)).astype(np.float32)
    truth = np.where(np.arange(40) % 4, rng.normal(size=40), np.nan).astype(np.float32)
    weight = rng.uniform(0.5, 2, 40).astype(np.float32)
    events = Batch({"class": values, "energy": values}, {"class": np.arange(40) % 2, "energy": truth}, weight)
    found = measure(TwoParrots(), events, Objective({"class": OutputObjective(2), "energy": REGRESSION}))
    distance = np.abs(values[:, 0].astype(np.float64) - truth)
    losses = np.where(distance < 0.5, distance**2 / 2, 0.5 * (distance - 0.25))
    known = ~np.isnan(truth)
    assert found.losses["energy"] == pytest.approx(np.average(losses[known], weights=weight[known]))
    assert found.loss == pytest.approx(found.losses["class"] + 3 * found.losses["energy"])
    assert 0 < found.accuracy < 1


def test_without_a_classification_there_is_no_accuracy():
    events = Batch({"energy": np.zeros((3, 1), np.float32)}, {"energy": np.ones(3, np.float32)})
    found = measure(TwoParrots(), events, Objective({"energy": replace(REGRESSION, loss="log_cosh")}))
    assert found.loss == pytest.approx(3 * np.log(np.cosh(1.0)))
    assert (found.accuracy, found.auc, found.losses) == (None, None, {})


def test_objects_of_unknown_class_add_nothing():
    output = OutputObjective(3, task="assignment", ignores_missing=True)
    logits = np.zeros((3, 2, 3), np.float32)
    logits[0, 1] = [50.0, 0.0, 0.0]
    target = np.array([[0, -1], [1, 2], [-1, -1]])
    found = measure(
        TwoParrots(), Batch({"origin": logits}, {"origin": target}), Objective({"origin": output})
    )
    assert found.loss == pytest.approx(np.log(3))


def test_events_of_many_objects_are_predicted_in_small_batches():
    """Pairs of 128 particles took gigabytes; momenta and coordinates are of the same objects."""
    jets = {
        "jets": np.zeros((1, 128, 3)),
        "jets.mask": np.zeros((1, 128)),
        "jets.momenta": np.zeros((1, 128, 4)),
    }
    assert evaluation_batch_size(Batch(jets)) == 2**21 // 128**2
    assert evaluation_batch_size(Batch({**jets, "leptons": np.zeros((1, 72, 3))})) == 2**21 // 200**2
    assert evaluation_batch_size(Batch({"event": np.zeros((1, 3))})) == 4096
