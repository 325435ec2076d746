"""Training weights from physics weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rapidity.config.training import TrainingWeight
from rapidity.core.errors import DataError
from rapidity.data.split import TrainRows
from rapidity.data.weights import training_weights

MakeTable = Any


def weigh(make_table: MakeTable, weight: Any, classes: Any, **keys: Any) -> Any:
    event_weight = None if weight is None else np.asarray(weight, dtype=float)
    table = make_table({"x": np.zeros(len(classes))}, classes, event_weight=event_weight)
    return training_weights(TrainRows(table, np.arange(len(classes))), TrainingWeight.model_validate(keys))


WEIGHT, CLASSES = [1.0, -2.0, 4.0, 3.0], [0, 0, 0, 1]


@pytest.mark.parametrize(
    ("policy", "values", "rows"),
    [
        ("ignore", None, [0, 1, 2, 3]),
        ("absolute", [1, 2, 4, 3], [0, 1, 2, 3]),
        ("drop", [1, 4, 3], [0, 2, 3]),
        ("keep", [1, -2, 4, 3], [0, 1, 2, 3]),
    ],
)
def test_policies(make_table: MakeTable, policy: str, values: Any, rows: list[int]) -> None:
    result = weigh(make_table, WEIGHT, CLASSES, event_weight=policy)
    assert (None if result.values is None else result.values.tolist()) == values
    assert result.rows.rows.tolist() == rows
    assert isinstance(result.rows, TrainRows)
    assert result.n_dropped == 4 - len(rows)
    assert result.mean == pytest.approx(1.0 if values is None else np.mean(values))


@pytest.mark.parametrize("policy", ["ignore", "absolute", "drop", "keep"])
def test_balanced_classes_have_the_same_sum_and_the_mean_stays(make_table: MakeTable, policy: str) -> None:
    plain = weigh(make_table, WEIGHT, CLASSES, event_weight=policy)
    balanced = weigh(make_table, WEIGHT, CLASSES, event_weight=policy, balance_classes=True)
    sums = np.bincount(balanced.rows.class_index, weights=balanced.values)
    assert sums[0] == pytest.approx(sums[1])
    assert balanced.mean == pytest.approx(plain.mean)
    assert balanced.values.dtype == np.float32


def test_no_event_weight_means_no_training_weight(make_table: MakeTable) -> None:
    result = weigh(make_table, None, CLASSES)
    assert result.values is None
    assert result.mean == 1.0


def test_class_that_sums_to_nothing_is_an_error(make_table: MakeTable) -> None:
    expected = r"\(policy `keep`\) sum to zero or less: background -1 \(3 events\).*absolute, drop, ignore"
    with pytest.raises(DataError, match=expected):
        weigh(make_table, [1.0, -3.0, 1.0, 3.0], CLASSES, event_weight="keep")


def test_dropping_all_events_of_a_class_is_an_error(make_table: MakeTable) -> None:
    with pytest.raises(DataError, match=r"policy `drop`.*signal 0 \(0 events\)"):
        weigh(make_table, [1.0, 1.0, 1.0, -3.0], CLASSES, event_weight="drop")


def test_large_imbalance_is_worth_a_warning(make_table: MakeTable) -> None:
    weight = [200.0, 100.0, 100.0, 1.0]
    (finding,) = weigh(make_table, weight, CLASSES).findings
    assert "differ by a factor 400" in finding.message
    assert weigh(make_table, weight, CLASSES, balance_classes=True).findings == ()
    assert weigh(make_table, WEIGHT, CLASSES).findings == ()
