"""What a prediction says in the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from rapidity.delivery import PredictionSummary


@pytest.mark.parametrize("is_verification", [False, True])
def test_events_with_other_scores_of_a_network_that_jumps_are_shown(is_verification):
    kept = {"n_kept_files": 1, "n_kept_events": 5000, "is_verification": is_verification}
    text = "other scores where neighbours in the network change by rounding: 2 events"
    summary = PredictionSummary(Path("scores"), (Path("a.root"),), 0, 0, {}, {}, **kept, n_jumps=2)
    assert text in str(summary)
    assert summary.to_dict()["n_jumps"] == 2
    assert "rounding" not in str(PredictionSummary(Path("scores"), (Path("a.root"),), 0, 0, {}, {}, **kept))


def test_without_classes_and_numbers_there_are_no_mean_scores():
    """A network that gives classes to objects alone ended in `mean scores:` and nothing behind it."""
    summary = PredictionSummary(Path("scores"), (Path("a.root"),), 20, 0, {}, {})
    assert str(summary) == "20 events of 1 file scored: scores"
