"""`rapidity generate` for samples of images."""

from __future__ import annotations

import json

import h5py
import pytest

from rapidity.cli import main


@pytest.fixture
def run(tmp_path):
    """Return a function that runs the verb and gives its exit code."""

    def call(*arguments: str, output: str = "a.h5") -> int:
        with pytest.raises(SystemExit) as caught:
            main(["generate", "electron_photon", "-o", str(tmp_path / output), "--workers", "1", *arguments])
        return int(caught.value.code or 0)

    return call


def test_the_images_of_each_class_are_shown(run, capsys):
    assert run("--events", "12") == 0
    shown = capsys.readouterr().out
    assert "12 images in" in shown
    assert "electron" in shown
    assert "photon" in shown


def test_json_and_no_labels(run, tmp_path, capsys):
    assert run("--events", "12", "--unlabelled", "--json") == 0
    assert json.loads(capsys.readouterr().out)["images"] == {"photon": 6, "electron": 6}
    with h5py.File(tmp_path / "a.h5") as file:
        assert set(file) == {"X", "ID"}


def test_an_existing_file_stays(run, tmp_path, capsys):
    (tmp_path / "a.h5").write_text("precious")
    assert run("--events", "12") != 0
    assert "exists already" in capsys.readouterr().err
    assert (tmp_path / "a.h5").read_text() == "precious"


def test_another_suffix_is_explained(run, capsys):
    assert run("--events", "12", output="a.parquet") != 0
    assert "it is an HDF5 file" in capsys.readouterr().err
