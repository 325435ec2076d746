"""A training weight of 2 means the same as the event twice, and a common factor means nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rapidity.config.training import TrainingWeight
from rapidity.core.classes import ClassSet
from rapidity.data.split import TrainRows
from rapidity.data.table import Table
from rapidity.data.weights import training_weights

WEIGHT = np.array([2.0, 1.0, -1.0, 3.0, 2.0])
CLASSES = np.array([0, 0, 0, 1, 1])


def weigh(weight: Any, classes: Any, **keys: Any) -> Any:
    n_events = len(classes)
    table = Table(
        columns={"x": np.zeros(n_events)},
        files=("a.root",),
        source_file=np.zeros(n_events, np.int32),
        source_entry=np.arange(n_events),
        sample=np.zeros(n_events, np.int32),
        classes=ClassSet(("background", "signal")),
        class_index=classes,
        event_weight=weight,
        fixed_split=np.full(n_events, -1, np.int8),
    )
    return training_weights(TrainRows(table, np.arange(n_events)), TrainingWeight.model_validate(keys))


def loss(result: Any, event_loss: Any) -> float:
    """Return the weighted mean loss over the events that remain."""
    values = np.ones(len(event_loss)) if result.values is None else result.values
    return float(np.sum(values * event_loss[result.rows.rows]) / np.sum(values))


@pytest.mark.parametrize("policy", ["absolute", "drop", "keep"])
@pytest.mark.parametrize("balance", [False, True])
def test_weight_of_two_is_the_event_twice(policy: str, balance: bool) -> None:
    event_loss = np.array([0.1, 0.9, 0.4, 0.3, 0.7])
    keys = {"event_weight": policy, "balance_classes": balance}
    weighted = weigh(WEIGHT, CLASSES, **keys)
    twice = np.array([0, 0, 1, 2, 3, 4, 4])
    repeated_weight = np.array([1.0, 1.0, 1.0, -1.0, 3.0, 1.0, 1.0])
    repeated = weigh(repeated_weight, CLASSES[twice], **keys)
    assert loss(repeated, event_loss[twice]) == pytest.approx(loss(weighted, event_loss))


@pytest.mark.parametrize("balance", [False, True])
def test_weights_of_one_are_no_weights(balance: bool) -> None:
    event_loss = np.array([0.1, 0.9, 0.4, 0.3, 0.7])
    ones = weigh(np.ones(5), CLASSES, balance_classes=balance)
    none = weigh(None, CLASSES, balance_classes=balance)
    assert loss(ones, event_loss) == pytest.approx(loss(none, event_loss))


def test_common_factor_changes_nothing() -> None:
    event_loss = np.array([0.1, 0.9, 0.4, 0.3, 0.7])
    results = [weigh(factor * WEIGHT, CLASSES, balance_classes=True) for factor in (1.0, 1e-6)]
    first, second = (loss(result, event_loss) for result in results)
    assert first == pytest.approx(second)
    assert results[1].mean == pytest.approx(1e-6 * results[0].mean)
