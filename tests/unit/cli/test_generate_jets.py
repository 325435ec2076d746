"""`rapidity generate` for samples of jets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import rapidity.samples
from rapidity.cli import main
from rapidity.samples import JetSampleSummary


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Return a function that runs the verb, without Pythia, and gives its exit code."""

    def generate(name, path, **options):
        paths = (Path(path), Path(path).with_suffix(".h5"))
        return JetSampleSummary(name, paths[0], paths, {"gluon": 6, "quark": 6}, 20, 1, 0.1)

    monkeypatch.setattr(rapidity.samples, "generate", generate)

    def call(*arguments: str) -> int:
        with pytest.raises(SystemExit) as caught:
            main(["generate", "quark_gluon", "-o", str(tmp_path / "jets.parquet"), *arguments])
        return int(caught.value.code or 0)

    return call


def test_both_files_and_the_jets_of_each_class_are_shown(run, capsys):
    assert run() == 0
    shown = capsys.readouterr().out
    assert "12 jets in 0.1 s" in shown
    assert "jets.parquet" in shown
    assert "jets.h5" in shown
    assert run("--json") == 0
    assert json.loads(capsys.readouterr().out)["jets"] == {"gluon": 6, "quark": 6}


def test_clouds_that_are_there_already_stay(run, tmp_path, capsys):
    (tmp_path / "jets.h5").write_text("precious")
    assert run() == 2
    assert "jets.h5 exists already" in capsys.readouterr().err
    assert run("--overwrite") == 0
