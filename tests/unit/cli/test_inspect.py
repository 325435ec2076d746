"""`rapidity inspect` on a terminal, elsewhere, and for programs."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest

from rapidity.cli import inspect as verb
from rapidity.cli.app import main
from rapidity.data.inspection import ASCII, BLOCKS


@pytest.fixture
def data_file(tmp_path):
    rng = np.random.default_rng(1)
    np.savez(tmp_path / "events.npz", pt=rng.exponential(40, 200), label=np.arange(200) % 2)
    return tmp_path / "events.npz"


def run(*words):
    with pytest.raises(SystemExit) as ended:
        main(["inspect", *map(str, words)])
    return ended.value.code


def test_plain_text_goes_to_a_pipe(data_file, capsys):
    assert not run(data_file)
    shown = capsys.readouterr().out
    assert "200 entries, 2 columns" in shown
    assert "Classes in column label (a guess; --target names another)" in shown
    assert not set(shown) & set(BLOCKS)


def test_terminal_gets_histograms_that_fit(data_file, capsys, monkeypatch):
    monkeypatch.setattr(verb, "terminal_width", lambda: 70)
    assert not run(data_file)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines[1:])) <= 70
    assert set("".join(lines)) & set(BLOCKS)


def test_output_that_cannot_show_blocks_gets_plain_characters(monkeypatch):
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    assert verb.histogram_levels() == ASCII


def test_json_is_for_programs(data_file, capsys):
    assert not run(data_file, "--target", "label", "--json")
    content = json.loads(capsys.readouterr().out)
    assert content["class_balance"]["classes"] == [["0", 100], ["1", 100]]
    assert content["columns"][0]["histogram"]["counts"]


def test_column_of_classes_that_is_not_there_is_an_error(data_file, capsys):
    assert run(data_file, "--target", "lable") == 2
    assert "DataError: column 'lable' is not in" in capsys.readouterr().err


def test_options_for_data_are_refused_for_a_run(tmp_path, capsys):
    assert run(tmp_path, "--all") == 2
    assert "--all: for data files only, not for a folder" in capsys.readouterr().err


def test_folder_without_a_run_is_an_error(tmp_path, capsys):
    assert run(tmp_path) == 2
    assert "is not the folder of a run" in capsys.readouterr().err


def test_a_folder_of_pictures_is_a_data_file(tmp_path, capsys):
    from PIL import Image

    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        Image.fromarray(np.zeros((4, 5), np.uint8)).save(tmp_path / name / "0.png")
    assert not run(tmp_path)
    out = capsys.readouterr().out
    assert "folder of PNG pictures, 2 entries, 3 columns" in out
    assert "4 x 5 pixels (height x width), grey of 8 bits" in out


def test_a_run_with_plots_is_a_run(tmp_path, capsys):
    from PIL import Image

    (tmp_path / "plots").mkdir()
    Image.fromarray(np.zeros((4, 5), np.uint8)).save(tmp_path / "plots" / "roc.png")
    (tmp_path / "run.json").write_text('{"name": "pions", "status": "finished"}')
    assert not run(tmp_path)
    assert ": run pions" in capsys.readouterr().out
