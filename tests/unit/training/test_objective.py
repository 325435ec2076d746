from __future__ import annotations

import pytest

from rapidity.config.training import Training
from rapidity.core.classes import ClassSet
from rapidity.core.errors import DataError
from rapidity.training import make_objective


def test_everything_of_the_block_arrives():
    config = Training.model_validate(
        {
            "loss": {"type": "focal", "focusing": 1.5, "label_smoothing": 0.1},
            "regularization": {"l1": 1e-5, "l2": 1e-4},
            "clip_norm": 2.0,
        }
    )
    objective = make_objective(config, ClassSet(("e", "k", "p")), mean_training_weight=0.5)
    output = objective.outputs["class"]
    assert (output.loss, output.focusing, output.label_smoothing, output.n_classes) == ("focal", 1.5, 0.1, 3)
    assert (objective.l1, objective.l2, objective.clip_norm) == (1e-5, 1e-4, 2.0)
    assert objective.mean_training_weight == 0.5


@pytest.mark.parametrize("mean", [0.0, -0.1, float("nan"), float("inf")])
def test_mean_weight_must_be_above_zero(mean):
    with pytest.raises(DataError, match=r"have the mean .*Expected a number above zero"):
        make_objective(Training(), ClassSet(("a", "b")), mean_training_weight=mean)
