from __future__ import annotations

import csv
from types import SimpleNamespace

import numpy as np
import pytest

from rapidity.config import RunConfig
from rapidity.core.errors import ConfigError, ParityError
from rapidity.training.history import EpochRow, History
from rapidity.workflow.fold_results import _check_choice, write_history
from rapidity.workflow.fold_run import fold_config, folds_of

CONFIG = {"name": "tiny", "data": {"sources": [{"path": "a.csv"}], "target": "kind"}, "features": ["pt"]}


def test_a_file_that_picks_the_wrong_network_is_refused():
    def model(fold):
        return SimpleNamespace(path="model.onnx", run=lambda _: SimpleNamespace(fold=fold))

    columns = {"event": np.array([-1, 0, 7])}
    _check_choice(model(np.array([2, 0, 1])), columns, "event", 3)
    for wrong in (np.array([-1, 0, 1]), None):
        with pytest.raises(ParityError, match=r"does not send every event .* \('event' modulo 3\)"):
            _check_choice(model(wrong), columns, "event", 3)


def test_a_configuration_without_folds_has_none():
    with pytest.raises(ConfigError, match="the configuration 'tiny' has no folds"):
        folds_of(RunConfig.model_validate(CONFIG))


def test_the_run_of_a_fold_is_an_ordinary_one():
    data = {**CONFIG["data"], "event_key": ["run", "event"]}
    training = {"seed": 7, "folds": {"count": 4, "event_number": "run"}}
    deliver = {"signature": "matrix", "model": "best.onnx"}
    whole = RunConfig.model_validate({**CONFIG, "data": data, "training": training, "deliver": deliver})
    last = fold_config(whole, 3)
    assert last.name == "tiny-fold-3"
    assert (last.preparation.split.by, last.preparation.split.test) == ("run % 4", (3,))
    assert last.preparation.split.validation == (0,)
    assert (last.training.seed, last.training.folds) == (10, None)
    assert (last.deliver.signature, last.deliver.model) == ("matrix", None)
    assert whole.training.folds.count == 4


def test_the_history_names_the_fold_of_each_epoch(tmp_path):
    rows = [EpochRow(epoch, 0.1, 0.7, None, 0.5, 0.5, 0.6, 0.6, 2.0, "numpy") for epoch in (1, 2)]
    write_history(tmp_path / "history.csv", [History(tuple(rows)), History((rows[0],))])
    with (tmp_path / "history.csv").open() as stream:
        found = list(csv.DictReader(stream))
    assert [(row["fold"], row["epoch"], row["validation_loss"]) for row in found] == [
        ("0", "1", ""), ("0", "2", ""), ("1", "1", ""),
    ]  # fmt: skip
