"""What is fitted sees the training split, and nothing of the others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rapidity.config.preparation import Preparation
from rapidity.core.classes import ClassSet
from rapidity.data.features import FeatureSet, make_features
from rapidity.data.preparation import fit_preparation
from rapidity.data.split import split_events
from rapidity.data.table import Table

CONFIG = {
    "missing": {"sentinels": [-999], "fill": "mean", "indicator": True},
    "transforms": [{"type": "log", "shift": 1e4}],
    "split": {"by": "row_number % 5", "validation": [3], "test": [4]},
}


def make_table(x: Any, event_weight: Any = None) -> Table:
    n_events = len(x)
    return Table(
        columns={"x": np.asarray(x)},
        files=("a.root",),
        source_file=np.zeros(n_events, np.int32),
        source_entry=np.arange(n_events),
        sample=np.zeros(n_events, np.int32),
        classes=ClassSet(("background", "signal")),
        class_index=np.arange(n_events) // 5 % 2,
        event_weight=event_weight,
        fixed_split=np.full(n_events, -1, np.int8),
    )


def fit(table: Table, scale: str) -> Any:
    config = Preparation.model_validate({**CONFIG, "scale": scale})
    features = FeatureSet({"event": make_features(("x",), "event", table.columns, {})})
    return fit_preparation(config, features, split_events(table, config.split).train)


@pytest.mark.parametrize("scale", ["standard", "robust", "min_max"])
def test_validation_and_test_events_do_not_enter_the_fit(scale: str) -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=500)
    x[rng.random(500) < 0.1] = -999
    changed = x.copy()
    changed[np.arange(500) % 5 >= 3] = 1e3 * rng.normal(size=200)
    assert fit(make_table(changed), scale) == fit(make_table(x), scale)


def test_event_weight_does_not_enter_the_fit() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=500)
    assert fit(make_table(x, rng.normal(size=500)), "standard") == fit(make_table(x), "standard")


def test_training_events_are_standardised() -> None:
    rng = np.random.default_rng(1)
    table = make_table(rng.normal(5, 3, size=5000))
    config = Preparation.model_validate({"split": CONFIG["split"]})
    features = FeatureSet({"event": make_features(("x",), "event", table.columns, {})})
    train = split_events(table, config.split).train
    prepared = fit_preparation(config, features, train).apply(table.columns, train.rows)["event"]
    assert prepared.mean() == pytest.approx(0, abs=1e-6)
    assert prepared.std() == pytest.approx(1, abs=1e-6)
