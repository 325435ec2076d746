"""Collections guessed from names, corrected by the counts."""

from __future__ import annotations

import numpy as np

from rapidity.data.conversion.guessing import sample_counts, split_collections
from rapidity.data.conversion.looking import FileTask, SourceTable

COLLECTIONS = {"lep_pt": "lep", "lep_eta": "lep", "lep_truth": "lep", "jet_pt": "jet"}


def test_columns_with_other_counts_leave():
    samples = [
        {"lep_pt": "a", "lep_eta": "a", "lep_truth": "a"},
        {"lep_pt": "b", "lep_eta": "b", "lep_truth": "c"},
    ]
    found = split_collections(COLLECTIONS, samples, ())
    assert found == COLLECTIONS | {"lep_truth": "lep_truth"}


def test_stated_columns_stay():
    samples = [{"lep_pt": "a", "lep_eta": "a", "lep_truth": "b"}]
    assert split_collections(COLLECTIONS, samples, {"lep_truth"}) == COLLECTIONS


def test_counts_are_told_apart(make_events, write_root):
    events = make_events(20)
    events["jet_other"] = [np.ones(1, np.float32)] * 20
    path = write_root("a.root", events)
    counts = sample_counts(FileTask(str(path), SourceTable(0)))
    assert counts["jet_pt"] == counts["jet_eta"] != counts["jet_other"]


def test_a_file_that_cannot_be_read_tells_nothing(tmp_path):
    (tmp_path / "a.root").write_bytes(b"root\0\0")
    assert sample_counts(FileTask(str(tmp_path / "a.root"), SourceTable(0))) == {}
