"""`rapidity generate` for samples of tracks."""

from __future__ import annotations

import json

import pytest

from rapidity.cli import main
from rapidity.samples.lhcb.columns import CLASSES


@pytest.fixture
def run(tmp_path):
    """Return a function that runs the verb and gives its exit code."""

    def call(*arguments: str, output: str = "a.csv") -> int:
        with pytest.raises(SystemExit) as caught:
            main(["generate", "lhcb_pid", "-o", str(tmp_path / output), "--workers", "1", *arguments])
        return int(caught.value.code or 0)

    return call


def test_the_tracks_of_each_class_are_shown(run, capsys):
    assert run("--events", "12") == 0
    shown = capsys.readouterr().out
    assert "12 tracks in" in shown
    assert all(name in shown for name in CLASSES)


def test_json_and_no_labels(run, tmp_path, capsys):
    assert run("--events", "12", "--unlabelled", "--json") == 0
    assert json.loads(capsys.readouterr().out)["tracks"] == dict.fromkeys(CLASSES, 2)
    header = (tmp_path / "a.csv").read_text().splitlines()[0]
    assert "ID" in header.split(",")
    assert "Label" not in header


def test_an_option_of_another_sample_is_explained(run, capsys):
    assert run("--underlying-event") == 2
    assert "'lhcb_pid' has no underlying event" in capsys.readouterr().err
