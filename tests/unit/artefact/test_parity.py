from __future__ import annotations

import numpy as np
import pytest

from rapidity.artefact import OnnxModel, check_all_outputs, check_parity, write_model
from rapidity.artefact.parity import PROBABILITY_TOLERANCE, prediction_deviation
from rapidity.core.classes import ClassSet
from rapidity.core.errors import ExportError, ParityError
from rapidity.data.fitted_outputs import FittedRegression


@pytest.fixture
def model(tmp_path, preparation, classes, network, parameters):
    path = tmp_path / "model.onnx"
    write_model(
        path, preparation=preparation, classes=classes, network=network, parameters=parameters, metadata={}
    )
    return OnnxModel.load(path)


def test_equal_scores_pass_at_every_batch_size(model, columns, classes):
    report = check_parity(model, columns, model.run(columns).logits, classes)
    assert list(report.deviations) == [1, 2, 40]
    assert report.max_deviation < 1e-6
    assert report.to_dict()["n_rows"] == 40


def test_one_deviating_row_fails_with_its_number(model, columns, classes):
    logits = model.run(columns).logits.copy()
    logits[23] += 0.01
    with pytest.raises(ParityError, match=r"row 23, class '.*1 of 40 rows differ") as caught:
        check_parity(model, columns, logits, classes)
    assert caught.value.exit_code == 3


def test_nan_fails(model, columns, classes):
    logits = model.run(columns).logits.copy()
    logits[5] = np.nan
    with pytest.raises(ParityError, match="row 5"):
        check_parity(model, columns, logits, classes)


def test_a_difference_below_the_tolerance_passes(model, columns, classes):
    logits = model.run(columns).logits + 0.01
    assert 1e-4 < check_parity(model, columns, logits, classes, tolerance=0.1).max_deviation < 0.1


def test_a_single_row_can_be_checked(model, columns, classes):
    first = {name: values[:1] for name, values in columns.items()}
    assert list(check_parity(model, first, model.run(first).logits, classes).deviations) == [1]


def test_nothing_to_compare_is_an_error(model, columns, classes):
    empty = {name: values[:0] for name, values in columns.items()}
    with pytest.raises(ExportError, match="0 rows were given"):
        check_parity(model, empty, np.zeros((0, 1), np.float32), classes)
    with pytest.raises(ExportError, match="Give at least one row, and the model of this run"):
        check_parity(model, columns, model.run(columns).logits, ClassSet(("a", "b")))


def test_predictions_may_differ_as_far_as_logits_behind_equal_probabilities():
    """A network of few units passed with a class and failed with a number, for the same rounding."""
    energy = FittedRegression("energy", spread=100.0)
    found = prediction_deviation(np.array([3e-3, np.nan]), np.zeros(2), energy)
    np.testing.assert_allclose(found, [7.5e-6, np.nan])
    assert prediction_deviation(np.array([1000.0]), np.array([1001.0]), energy) > PROBABILITY_TOLERANCE


@pytest.fixture
def many(columns):
    """Return 200 events."""
    return {name: np.tile(values, 5) for name, values in columns.items()}


def test_of_a_network_that_jumps_one_event_in_a_thousand_may_differ(model, many, classes):
    found = model.run(many)
    probabilities = classes.probabilities(found.logits)
    probabilities[0] = probabilities[0, ::-1]  # in the batches of every size
    (name,) = model.outputs
    with pytest.raises(ParityError, match=r"row 0, class '.*rows differ by more than 1e-05\. Do not use"):
        check_all_outputs(model, many, {name: probabilities})
    report = check_all_outputs(model, many, {name: probabilities}, is_continuous=False)
    difference = abs(float(probabilities[0, 0] - probabilities[0, 1]))
    assert report.jumps == {0: pytest.approx(difference, rel=1e-4)}
    assert report.max_deviation < 1e-6
    jumps = report.to_dict()["jumps"]
    assert jumps == {"n_events": 1, "n_allowed": 1, "largest": pytest.approx(difference, rel=1e-4)}


def test_more_events_than_that_and_nan_are_refused(model, many, classes):
    (name,) = model.outputs
    probabilities = classes.probabilities(model.run(many).logits)
    wrong = probabilities.copy()
    wrong[[150, 3]] = wrong[[150, 3], ::-1]
    with pytest.raises(ParityError, match=r"of all events at most 1 may, where its neighbours change"):
        check_all_outputs(model, many, {name: wrong}, is_continuous=False)
    wrong = probabilities.copy()
    wrong[3] = np.nan
    with pytest.raises(ParityError, match="row 3"):
        check_all_outputs(model, many, {name: wrong}, is_continuous=False)


def test_of_few_events_none_may_differ(model, columns, classes):
    (name,) = model.outputs
    probabilities = classes.probabilities(model.run(columns).logits)
    assert (
        "jumps" not in check_all_outputs(model, columns, {name: probabilities}, is_continuous=False).to_dict()
    )
    probabilities[7] = probabilities[7, ::-1]
    with pytest.raises(ParityError, match="row 7"):
        check_all_outputs(model, columns, {name: probabilities}, is_continuous=False)
