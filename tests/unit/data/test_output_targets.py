"""What is true of the events for outputs other than their class."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from rapidity.config.outputs import AssignmentOutput, ClassificationOutput, RegressionOutput
from rapidity.core.classes import ClassSet
from rapidity.core.errors import DataError
from rapidity.core.jagged import Jagged
from rapidity.data.assembly import _prepared_bytes
from rapidity.data.clouds import CloudColumns
from rapidity.data.features import FeatureSet, column_feature
from rapidity.data.fitted_outputs import (
    FittedAssignment,
    FittedClassification,
    FittedOutputs,
    FittedRegression,
)
from rapidity.data.output_targets import AssignmentTarget, RegressionTarget


def regression(**keys: Any) -> RegressionTarget:
    config = RegressionOutput.model_validate({"task": "regression", "target": "energy", **keys})
    return RegressionTarget("energy", config, column_feature("energy").expression)


def test_what_is_not_known_becomes_nan_and_the_column_stays() -> None:
    """The column of a mapped file is read-only; others read it too, as a spectator say."""
    energy = np.array([1.0, np.inf, 3.0, np.nan])
    energy.flags.writeable = False
    values = regression(missing="ignore").evaluate({"energy": energy}, "row {}".format)
    np.testing.assert_array_equal(values, [1, np.nan, 3, np.nan])
    assert energy[1] == np.inf


def test_what_is_not_known_is_refused_with_its_place() -> None:
    message = r"outputs.energy: the target 'energy' is inf at row 1\..*missing: ignore"
    with pytest.raises(DataError, match=message):
        regression().evaluate({"energy": np.array([1.0, np.inf])}, "row {}".format)


@pytest.mark.parametrize("transform", ["log", ["log", "standard"]])
def test_what_has_no_logarithm_is_refused_with_its_place(transform: Any) -> None:
    message = r"'energy' is -2 at row 1, which has no logarithm \(transform: log needs values above zero\)"
    with pytest.raises(DataError, match=message):
        regression(transform=transform).evaluate({"energy": np.array([1.0, -2.0])}, "row {}".format)


@pytest.fixture
def jets() -> dict[str, Any]:
    """Return the origins of the jets of three events, one without jets."""
    return {"jet_origin": Jagged.from_counts(np.array([0.0, 7.0, np.nan]), np.array([1, 0, 2]))}


def assignment(**keys: Any) -> AssignmentTarget:
    block = {
        "task": "assignment",
        "cloud": "jets",
        "target": "jet_origin",
        "classes": {"a": 0, "b": 1},
        **keys,
    }
    expression = column_feature("jet_origin", {"jet_origin": "jet"}).expression
    return AssignmentTarget("origin", AssignmentOutput.model_validate(block), expression, {0.0: 0, 1.0: 1})


def test_objects_of_no_class_are_refused_with_their_place(jets: Any) -> None:
    message = r"mean no class: 7, nan, first in object 0 \(from 0\) of row 2\. Classes: a \(0\), b \(1\)\."
    with pytest.raises(DataError, match=message):
        assignment().evaluate(jets, "row {}".format)


def test_objects_of_no_class_can_be_left_out(jets: Any) -> None:
    classes = assignment(missing="ignore").evaluate(jets, "row {}".format)
    assert classes.content.tolist() == [0, -1, -1]
    assert classes.counts.tolist() == [1, 0, 2]


def test_targets_count_in_the_memory_of_an_event_as_they_are_made() -> None:
    """The classes of objects, eight bytes each, were left out: what fitted by the estimate did not fit."""
    origin = {"task": "assignment", "cloud": "jets", "target": "origin", "classes": {"a": 0, "b": 1}}
    outputs: dict[str, Any] = {
        "class": ClassificationOutput(task="classification"),
        "energy": RegressionOutput.model_validate({"task": "regression", "target": "energy"}),
        "origin": AssignmentOutput.model_validate(origin),
    }
    cloud = CloudColumns("jet", (column_feature("jet_pt", {"jet_pt": "jet"}),), n_objects=5)
    features = FeatureSet({"jets": cloud})
    fitted: dict[str, Any] = {
        "class": FittedClassification(ClassSet(("a", "b"))),
        "energy": FittedRegression("energy", (), 1.0, None),
        "origin": FittedAssignment("jets", "jet", "origin", ClassSet(("a", "b"))),
    }
    preparation: Any = SimpleNamespace(clouds={"jets": SimpleNamespace(cloud=cloud)})
    without = _prepared_bytes(features, {})
    for names in (["class"], ["class", "origin"], ["energy", "origin"]):
        made = FittedOutputs({name: fitted[name] for name in names}).event_bytes(preparation)
        assert _prepared_bytes(features, {name: outputs[name] for name in names}) - without == made
    assert _prepared_bytes(features) == _prepared_bytes(features, {"class": outputs["class"]})
    assert _prepared_bytes(features, {"origin": outputs["origin"]}) - without == 5 * 8
