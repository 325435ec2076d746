"""Scoring tables with a model file."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from rapidity.artefact import Scores
from rapidity.data.spool import Spool
from rapidity.workflow.score import score_table


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
