"""Checks of events with objects before training."""

from __future__ import annotations

from typing import Any

import numpy as np

from rapidity.config.data import Guards
from rapidity.core.jagged import Jagged
from rapidity.data.clouds import CloudColumns
from rapidity.data.features import FeatureSet, parse_feature
from rapidity.data.guards import GUARDS, run_guards
from rapidity.data.split import SplitTable


def guard_objects(make_table: Any, jets: Any, codes: Any, level: dict[str, str], **fields: Any) -> list[str]:
    """Return what guards say of events with jets, all guards off but one."""
    counts = np.array([len(event) for event in jets])
    content = np.array([value for event in jets for value in event])
    columns = {"jet_x": Jagged.from_counts(content, counts), **fields.pop("columns", {})}
    table = make_table(columns, **fields)
    collections = {"jet_x": "jet"}
    feature = parse_feature("jet_x", columns, {}, collections)
    inputs: dict[str, Any] = {"jets": CloudColumns("jet", (feature,), 4)}
    if "met" in columns:
        inputs["event"] = (parse_feature("met", columns, {}, collections),)
    features = FeatureSet(inputs, {}, collections)
    levels = Guards.model_validate(dict.fromkeys(GUARDS, "off") | level)
    found = run_guards(SplitTable(table, np.asarray(codes, np.int8)), features, levels)
    return [one.message for one in found]


def test_events_without_objects_are_no_duplicates(make_table: Any) -> None:
    warn, jets, same = {"duplicates": "warn"}, [[], [1.0], [], [1.0]], {"class_index": [0] * 4}
    (message,) = guard_objects(make_table, jets, [0, 0, 2, 2], warn, **same)
    assert "2 of 4 events" in message
    met = {"met": [7.0, 1.0, 7.0, 2.0]}
    (message,) = guard_objects(make_table, jets, [0, 0, 2, 2], warn, columns=met, **same)
    assert "entry 0 of a.csv (train) and entry 2" in message


def test_constant_features_of_objects_are_found(make_table: Any) -> None:
    warn = {"constant_feature": "warn"}
    (message,) = guard_objects(make_table, [[2.0], [], [2.0, 2.0]], [0] * 3, warn)
    assert "'jet_x' (always 2, in every object)" in message
    assert guard_objects(make_table, [[2.0], [], [2.0, 3.0]], [0] * 3, warn) == []
    assert guard_objects(make_table, [[], []], [0] * 2, warn) == []


def test_objects_that_separate_classes_are_found(make_table: Any, rng: np.random.Generator) -> None:
    warn, classes = {"separating_feature": "warn"}, np.arange(200) % 2
    counts = rng.integers(1, 4, 200)
    told = [np.full(n, float(k)) for n, k in zip(counts, classes, strict=True)]
    (message,) = guard_objects(make_table, told, [0] * 200, warn, class_index=classes)
    assert message.startswith("the mean of 'jet_x' over the objects (AUC 0.00000 for class background) alone")
    counted = [rng.random(2 + k) for k in classes]
    (message,) = guard_objects(make_table, counted, [0] * 200, warn, class_index=classes)
    assert message.startswith("the number of objects of 'jet' (AUC 0.00000 for class background) alone")
    empty = [rng.random(2)] * 100 + [np.empty(0)] * 100
    order = np.arange(200) >= 100
    (message,) = guard_objects(make_table, empty, [0] * 200, warn, class_index=order)
    assert "the mean of 'jet_x'" in message
    mixed = [rng.random(n) for n in counts]
    assert guard_objects(make_table, mixed, [0] * 200, warn, class_index=classes) == []
