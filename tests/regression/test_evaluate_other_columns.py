"""Evaluating other events asked for columns that say nothing about the scores.

Event keys, spectators and whatever `exclude` named had to be in the new files; a column that `columns: all`
did not know was an error if only one of the files had it.
"""

from __future__ import annotations

import numpy as np
import pytest
import yaml

from rapidity.workflow import train_run

pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def write_events(path, names):
    rng = np.random.default_rng(1)
    code = np.arange(200) // 10 % 2
    columns = {name: rng.normal(code) for name in ("x", "y")}
    columns |= {"code": code, "event": np.arange(200), "note": np.arange(200), "mass": np.zeros(200)}
    rows = zip(*(columns[name] for name in names), strict=True)
    path.write_text(",".join(names) + "\n" + "".join(",".join(map(str, row)) + "\n" for row in rows))


def test_keys_spectators_and_excluded_columns_may_be_missing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_events(tmp_path / "events.csv", ["event", "code", "x", "y", "note", "mass"])
    content = {
        "name": "small",
        "data": {
            "sources": [{"path": "events.csv"}], "target": "code", "event_key": ["event"],
            "spectators": ["note"],
        },
        "inputs": {"track": {"columns": "all", "exclude": ["mass"]}},
        "network": {"type": "mlp", "hidden": [2]},
        "training": {"epochs": 1},
        "evaluation": {"bootstrap": 2},
    }  # fmt: skip
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(content))
    run = train_run("config.yaml")
    expected = run.evaluate(["events.csv"])
    write_events(tmp_path / "first.csv", ["code", "x", "y"])
    write_events(tmp_path / "second.csv", ["x", "mass", "y", "code"])
    assert run.evaluate(["first.csv"]) == expected
    assert run.evaluate(["first.csv", "second.csv"])["log_loss"] == pytest.approx(expected["log_loss"])
