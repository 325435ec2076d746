from __future__ import annotations

import pytest
from pydantic import TypeAdapter

from rapidity.config.outputs import Outputs
from rapidity.config.training import Training
from rapidity.core.classes import ClassSet
from rapidity.core.errors import DataError
from rapidity.training import make_objective, make_output_objectives


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


OUTPUTS = {
    "class": {"task": "classification", "loss": "focal"},
    "energy": {"task": "regression", "target": "e", "loss": {"type": "huber", "delta": 2.0}, "weight": 0.5},
    "origin": {"task": "assignment", "cloud": "jets", "target": "o", "classes": {"a": 0, "b": 1, "c": 2}},
}


def test_each_output_gets_its_task_and_loss():
    outputs = TypeAdapter(Outputs).validate_python(OUTPUTS)
    classes = ClassSet(("background", "signal"))
    made = make_output_objectives(Training(), outputs, classes, {"origin": 0.25})
    assert (made["class"].loss, made["class"].focusing) == ("focal", 2.0)
    assert (made["energy"].loss, made["energy"].delta, made["energy"].weight) == ("huber", 2.0, 0.5)
    assert (made["origin"].task, made["origin"].n_classes) == ("assignment", 3)
    objective = make_objective(Training(), classes, 2.0, made)
    assert [objective.mean_weight(name) for name in made] == [2.0, 2.0, 0.25]


def test_an_output_needs_weight_where_its_target_is_known():
    outputs = TypeAdapter(Outputs).validate_python(OUTPUTS)
    with pytest.raises(DataError, match=r"outputs.origin: the training weights .* have the mean 0 in the tr"):
        make_output_objectives(Training(), outputs, ClassSet(("a", "b")), {"origin": 0.0})
