"""Boosted trees to compare networks with: LightGBM on the prepared features of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.workflow.results import make_input_data

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rapidity.workflow.prepare import PreparedRun

ROUNDS = 2000
PATIENCE = 50
"""Rounds without a better validation loss after which no tree is added."""
LIGHTGBM = {"learning_rate": 0.05, "num_leaves": 31, "verbose": -1, "num_threads": 2}


def score_by_trees(prepared: PreparedRun, seed: int = 1, **settings: Any) -> NDArray[np.float64]:
    """Return the probabilities ``(n_test_events, n_classes)`` of trees that stop by the validation split.

    They see the features as they are before scaling, NaN where missing.
    """
    import lightgbm

    data = make_input_data(prepared)
    features = np.column_stack(list(data.features.values()))
    target = prepared.table.class_index
    n_classes = len(prepared.table.classes)
    objective = (
        {"objective": "multiclass", "num_class": n_classes} if n_classes > 2 else {"objective": "binary"}
    )
    splits = prepared.splits
    train, validation = (
        lightgbm.Dataset(features[split.rows], target[split.rows])
        for split in (splits.train, splits.validation)
    )
    booster = lightgbm.train(
        {**LIGHTGBM, **objective, "seed": seed, **settings},
        train,
        num_boost_round=ROUNDS,
        valid_sets=[validation],
        callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False)],
    )
    predicted: Any = booster.predict(features[splits.test.rows])
    return predicted if n_classes > 2 else np.column_stack([1 - predicted, predicted])
