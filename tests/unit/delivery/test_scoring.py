from types import SimpleNamespace

import numpy as np

from rapidity.artefact import Scores
from rapidity.core.classes import ClassSet
from rapidity.core.jagged import Jagged
from rapidity.data.fitted_outputs import FittedAssignment, FittedRegression
from rapidity.delivery.scoring import mean_names, mean_values, score_columns, score_values

MODEL = SimpleNamespace(
    classes=ClassSet(()),
    folds=None,
    outputs={
        "energy": FittedRegression("true_energy"),
        "origin": FittedAssignment("jets", "jet", "jet_origin", ClassSet(("other", "top")), (), 2),
    },
)
NAN = [np.nan, np.nan]
FOUND = np.array([[0.9, 0.1], NAN, [0.2, 0.8], [0.6, 0.4]], np.float32)
"""Three jets of the first event, of which the second is not seen, none of the second, one of the third."""


def make_scores():
    objects = Jagged.from_counts(FOUND, np.array([3, 0, 1]))
    nothing = np.empty((3, 0), np.float32)
    energy = np.array([50.0, 60.0, 70.0], np.float32)
    return Scores(nothing, nothing, None, {"energy": energy, "origin": objects})


def test_objects_that_are_seen_come_one_after_the_other_with_their_numbers():
    values = score_values(MODEL, make_scores())
    assert values["object_origin_0"].tolist() == [0, -1, 0]
    assert values["object_origin_1"].tolist() == [2, -1, -1]
    np.testing.assert_allclose(values["score_origin_top_0"], [0.1, np.nan, 0.4], rtol=1e-6)
    np.testing.assert_allclose(values["score_origin_top_1"], [0.8, np.nan, np.nan], rtol=1e-6)
    assert values["prediction_energy"].tolist() == [50.0, 60.0, 70.0]


def test_columns_and_values_are_the_same():
    columns, values = score_columns(MODEL), score_values(MODEL, make_scores())
    assert list(columns) == list(values)
    assert {name: values[name].dtype for name in values} == columns


def test_means_are_told_of_predictions():
    assert mean_names(MODEL) == ("prediction_energy",)
    assert mean_values(MODEL, make_scores()).tolist() == [[50.0, 60.0, 70.0]]
