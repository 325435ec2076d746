"""The outputs of a run, seen together."""

from __future__ import annotations

import pytest

from rapidity.config.outputs import AssignmentOutput, describe_score_clash


def assign(*classes):
    return AssignmentOutput(
        task="assignment",
        cloud="jets",
        target="jet_from",
        classes={name: n for n, name in enumerate(classes)},
    )


@pytest.mark.parametrize(
    ("outputs", "classes", "column"),
    [
        ({"jet": assign("b_top", "other"), "jet_b": assign("top", "other")}, (), "score_jet_b_top"),
        ({"jet": assign("top", "other")}, ("signal", "jet_top"), "score_jet_top"),
        # Delivered scores have a column for each object.
        ({"jet": assign("top", "other")}, ("signal", "jet_top_3"), "score_jet_top_3"),
    ],
)
def test_two_classes_with_one_column_of_scores_are_told(outputs, classes, column):
    assert f"would have one column of scores, '{column}'. Rename" in describe_score_clash(outputs, classes)


def test_columns_that_differ_are_fine():
    outputs = {"jet": assign("top", "other"), "lepton": assign("top", "other")}
    assert describe_score_clash(outputs, ("top", "jet", "jet_top3", "jet_top_b")) is None
