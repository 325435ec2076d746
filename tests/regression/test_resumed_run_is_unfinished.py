"""A finished run that was resumed with other `deliver` or `evaluation` keys counted as finished meanwhile.

Killed after the new model.onnx, the folder passed for a finished run of mixed files.
"""

from __future__ import annotations

import numpy as np
import pytest
import yaml

from rapidity.core.errors import ConfigError, DataError
from rapidity.workflow import Run, train, train_run

pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def test_a_resumed_run_is_finished_only_at_its_end(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(1)
    rows = "".join(f"{i % 2},{rng.normal(i % 2)}\n" for i in range(100))
    (tmp_path / "events.csv").write_text("code,x\n" + rows)
    content = {
        "name": "small", "data": {"sources": [{"path": "events.csv"}], "target": "code"}, "features": ["x"],
        "network": {"type": "mlp", "hidden": [2]}, "training": {"epochs": 1}, "evaluation": {"bootstrap": 2},
    }  # fmt: skip
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(content))
    run = train_run("config.yaml")

    with pytest.raises(ConfigError, match="the configuration has changed"):
        train_run("config.yaml", overrides=["training.epochs=2"], resume=True)
    assert Run.open(run.folder).metrics == run.metrics  # a refusal changes nothing

    def die(*_):
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(train, "evaluate_model", die)
        with pytest.raises(MemoryError):
            train_run("config.yaml", overrides=["deliver.signature=matrix"], resume=True)
    with pytest.raises(DataError, match="is not finished"):
        Run.open(run.folder)
    again = train_run("config.yaml", overrides=["deliver.signature=matrix"], resume=True)
    assert again.model.signature == "matrix"
