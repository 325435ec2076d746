from typing import Any

import numpy as np

from rapidity.config.preparation import Preparation
from rapidity.data.batches import make_batch
from rapidity.data.features import FeatureSet, make_features
from rapidity.data.preparation import fit_preparation
from rapidity.data.split import TrainRows, ValidationRows


def test_batch_holds_prepared_inputs_targets_and_weights(make_table: Any) -> None:
    table = make_table({"x": np.array([1.0, 3.0, 5.0, 7.0], np.float32)}, [0, 1, 1, 0])
    features = FeatureSet({"event": make_features(("x",), "event", table.columns, {})})
    preparation = fit_preparation(Preparation(), features, TrainRows(table, np.array([0, 1])))
    weights = np.array([2.0, 0.5], np.float32)
    batch = make_batch(ValidationRows(table, np.array([2, 3])), preparation, weights)
    assert batch.inputs["event"].tolist() == [[3.0], [5.0]]
    assert batch.targets["class"].tolist() == [1, 0]
    assert batch.training_weight is weights
    assert batch.n_events == 2
