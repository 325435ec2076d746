"""Scoring tables with a model file."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from rapidity.artefact import Scores
from rapidity.config.outputs import AssignmentOutput, ClassificationOutput
from rapidity.core.classes import ClassSet
from rapidity.core.errors import ConfigError
from rapidity.data.spool import Spool
from rapidity.workflow.score import check_spectators, score_table


def test_a_table_on_disk_without_classes_has_a_row_of_nothing_for_each_event(tmp_path, make_table):
    """A file of no bytes was taken for an array of no events."""
    spool = Spool(tmp_path, 1)
    spool.move_to_disk()
    table = make_table({"x": np.arange(5.0)}, spool=spool)

    def run(columns):
        n_events = len(columns["x"])
        return Scores(np.empty((n_events, 0), np.float32), np.empty((n_events, 0), np.float32),
                      others={"energy": columns["x"].astype(np.float32)})  # fmt: skip

    scores = score_table(SimpleNamespace(inputs=("x",), run=run), table)
    assert scores.logits.shape == scores.probabilities.shape == (5, 0)
    assert scores.others["energy"].tolist() == [0, 1, 2, 3, 4]


def test_classes_known_from_the_events_alone_may_not_share_a_column_of_scores():
    jets = {"task": "assignment", "cloud": "jets", "target": "jet_from", "classes": {"other": 0, "top": 1}}
    outputs = {"class": ClassificationOutput(task="classification"), "jet": AssignmentOutput(**jets)}
    classes = ClassSet(("other", "jet_top"))
    with pytest.raises(ConfigError, match=r"^outputs: class 'top' of outputs\.jet and class 'jet_top' of"):
        check_spectators((), classes, outputs=outputs)
    # Without a classification the classes of the events have no scores.
    check_spectators((), classes, outputs={"jet": outputs["jet"]})
