from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from rapidity.cli.inspect import split_table
from rapidity.cli.outcome import print_json, print_table


def test_json_holds_plain_values_and_no_nan(capsys):
    print_json({"auc": np.float64(0.5), "counts": np.array([1, 2]), "bad": float("nan"), "path": Path("a")})
    assert json.loads(capsys.readouterr().out) == {"auc": 0.5, "counts": [1, 2], "bad": None, "path": "a"}


def test_table_aligns_numbers_to_the_right(capsys):
    print_table([("pt", 12_000, 0.5), ("eta_of_jet", 7, None)], ["name", "n", "mean"])
    assert capsys.readouterr().out.splitlines() == [
        "name             n  mean",
        "pt          12,000   0.5",
        "eta_of_jet       7",
    ]


def test_table_after_a_colon_unless_the_file_is_called_so(tmp_path):
    file = tmp_path / "a:b.root"
    assert split_table(str(file)) == (tmp_path / "a", "b.root")
    file.touch()
    assert split_table(str(file)) == (file, None)
    assert split_table("plain.csv") == (Path("plain.csv"), None)
