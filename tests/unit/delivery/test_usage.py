"""What a terminal says about using scores in ROOT."""

from __future__ import annotations

import pytest

from rapidity.delivery.task import PredictTask
from rapidity.delivery.usage import show_usage


@pytest.fixture
def task(tmp_path):
    """Return a builder of a task that scores a file of this name into a ROOT file."""

    def make(name, output="scores.root", **settings):
        (tmp_path / name).write_bytes(b"root\0" if name.endswith(".root") else b"\x89HDF\r\n\x1a\n\0")
        return PredictTask("model.onnx", str(tmp_path / name), output, "root", **settings)

    return make


def test_scores_are_a_friend_of_a_tree(task):
    one = task("events.root")
    assert show_usage(one, "nominal", "score_b").splitlines() == [
        "  in ROOT:",
        f'    TFile file("{one.source}"); auto* tree = file.Get<TTree>("nominal");',
        '    tree->AddFriend("scores", "scores.root");',
        "    ROOT::RDataFrame frame(*tree);",
        '    auto selected = frame.Filter("scores.score_b > 0.5 && scores.pass");',
    ]


def test_events_of_another_format_have_no_tree(task):
    """The lines opened an HDF5 file as ROOT's, and looked for a tree '/' in it."""
    assert show_usage(task("new.h5"), "/", "score_b").splitlines() == [
        "  in ROOT:",
        '    ROOT::RDataFrame frame("scores", "scores.root");',
        '    auto selected = frame.Filter("score_b > 0.5 && pass");',
    ]


def test_scores_in_another_format_need_no_root(tmp_path):
    task = PredictTask("model.onnx", str(tmp_path / "events.root"), "scores.h5", "hdf5")
    assert not show_usage(task, "nominal", "score_b")
