"""`rapidity convert` on the shell."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest

from rapidity.cli import main


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Return to a folder with two small files."""
    for number in range(2):
        with h5py.File(tmp_path / f"in_{number}.h5", "w") as file:
            group = file.create_group("table")
            group["x"] = np.arange(10.0) + number
            group["y"] = np.ones(10)
            group["event"] = np.arange(10)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys, *words):
    with pytest.raises(SystemExit) as ended:
        main(["convert", *words])
    return ended.value.code, *capsys.readouterr()


def test_straight_from_files(files, capsys):
    code, out, _ = run(
        capsys, "in_*.h5", "-o", "out.h5", "--columns", "x,y", "--columns", "z = min(x, y)",
        "--class", "signal", "--dataset", "table", "--select", "x > 3", "--weight", "y",
        "--event-key", "event", "--quiet",
    )  # fmt: skip
    assert code == 0
    assert out.startswith("13 of 20 events of 2 files: ")
    assert "in_1.h5: 10 read, 7 selected, 7 written (signal)" in out
    with h5py.File(files / "out.h5") as file:
        assert set(file["events"]) == {
            "x", "y", "z", "event", "class", "event_weight", "source_file", "source_entry",
        }  # fmt: skip


def test_from_a_yaml_file_with_a_value_replaced(files, capsys):
    (files / "convert.yaml").write_text("sources: [{path: in_*.h5}]\noutput: out.parquet\n")
    code, out, _ = run(capsys, "convert.yaml", "--set", "selection=x > 8", "--json", "--quiet")
    assert code == 0
    summary = json.loads(out)
    assert (summary["n_read"], summary["n_written"]) == (20, 3)
    assert summary["output"].endswith("out.parquet")


def test_bad_files_and_existing_outputs(files, capsys):
    (files / "in_1.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + b"\0" * 50)
    code, _, said = run(capsys, "in_*.h5", "-o", "out.h5", "--quiet")
    assert code == 2
    assert "in_1.h5" in said
    assert "--skip-bad-files leaves such files out" in said
    code, out, _ = run(capsys, "in_*.h5", "-o", "out.h5", "--quiet", "--skip-bad-files")
    assert code == 0
    assert "skipped: 1 bad file" in out
    code, _, said = run(capsys, "in_0.h5", "-o", "out.h5", "--quiet")
    assert code == 2
    assert "out.h5 exists already. Give --overwrite" in said


def test_progress_is_told_on_stderr(files, capsys):
    _, out, said = run(capsys, "in_0.h5", "-o", "out.h5")
    assert "Converting: done, 10/10 events" in said
    assert "Converting" not in out
