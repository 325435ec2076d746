"""`rapidity graph` on the command line."""

from __future__ import annotations

import json

import pytest

from rapidity.cli import main

LAB = ["graph", "w0*x1 + sin(w1*x2)/x3", "--parameter", "w0=0.5", "--parameter", "w1=2", "--input", "x1=1"]
LAB += ["--input", "x2=0.25", "-i", "x3=4"]


def run(arguments, code=0):
    """Run the command line and check its exit code."""
    with pytest.raises(SystemExit) as stopped:
        main([str(each) for each in arguments])
    assert stopped.value.code == code


def test_table_on_stdout(capsys):
    run(LAB)
    shown = capsys.readouterr().out
    assert "w0*x1 + sin(w1*x2)/x3 = 0.61986" in shown
    assert "gradient for w1: 0.054849" in shown
    assert any(line.split()[:3] == ["#7", "sin(#6)", "sin"] for line in shown.splitlines())
    assert "computed 5 nodes forward" in shown


def test_gradient_of_arrays_is_said_to_be_that_of_the_sum(capsys):
    run(["graph", "w*x", "-p", "w=2", "-i", "x=1,2"])
    assert "gradient of the sum of the values for w: 3" in capsys.readouterr().out


def test_json_and_files(capsys, tmp_path):
    run([*LAB, "--json", "-o", tmp_path / "drawn"])
    shown = capsys.readouterr()
    found = json.loads(shown.out)
    assert found["gradients"]["w0"] == 1.0
    assert len(found["nodes"]) == 10
    assert [path.rpartition("/")[2] for path in found["files"]] == ["graph.svg", "graph.png", "graph.onnx"]
    assert "Written: " in shown.err


def test_not_a_number_is_null(capsys):
    run(["graph", "log(w)", "-p", "w=-1", "--json"])
    assert json.loads(capsys.readouterr().out)["value"] is None


def test_existing_file_is_kept(capsys, tmp_path):
    path = tmp_path / "lab.svg"
    path.write_text("mine")
    run([*LAB, "-o", path], code=2)
    assert "already there" in capsys.readouterr().err
    assert path.read_text() == "mine"
    run([*LAB, "-o", path, "--overwrite"])
    assert path.read_text() != "mine"


def test_bad_input_has_exit_code_2(capsys):
    run(["graph", "w*x", "-p", "w=1", "-i", "x=absent.npy"], code=2)
    shown = capsys.readouterr()
    assert "DataError: --input x: 'absent.npy' is neither a number nor a file" in shown.err
    assert shown.out == ""
