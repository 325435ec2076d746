from __future__ import annotations

import pytest

from rapidity.workflow.clouds import describe_objects
from rapidity.workflow.page import _summarise


@pytest.mark.parametrize(("n_epochs", "said"), [(1, "for 1 epoch;"), (12, "for 12 epochs;")])
def test_summary_counts_epochs_as_people_do(n_epochs, said):
    record = {"training": {"engine": "numpy", "epochs": n_epochs}, "finished": "2026-01-02T03:04:05+00:00"}
    summary = _summarise(record)
    assert said in summary
    assert "Finished 2026-01-02 03:04:05 UTC." in summary


def test_single_objects_are_no_plural():
    counts = {"n_kept": 1, "n_events": 1, "n_objects": 2, "n_truncated": 1, "n_lost": 1, "most": 2}
    expected = "2 objects in 1 event, 2 at most; 1 event has more than 1: 1 object (50 %) is left out"
    assert describe_objects(counts) == expected
