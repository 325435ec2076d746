"""Runs with folds that are interrupted and go on, in one process, in several and on a cluster."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext

import pytest

from rapidity.artefact import OnnxModel
from rapidity.config import load_config
from rapidity.core.errors import ConfigError, InterruptedRunError, TrainingError
from rapidity.core.progress import SilentProgress
from rapidity.workflow import train_run

from .conftest import (
    COUNT,
    DATA,
    TRAINING,
    fold_model,
    same_but_configuration,
)

pytestmark = pytest.mark.numpy


class StopAfter(SilentProgress):
    """Progress that is interrupted after some epochs, counted over all folds."""

    def __init__(self, n_epochs):
        self.left = n_epochs

    @contextmanager
    def task(self, description, total=None, unit=""):
        yield self if description == "Training" else _Ignore()

    def advance(self, amount=1, **fields):
        # Without fields it is told of epochs that were trained before.
        self.left -= bool(fields)
        if fields and not self.left:
            raise KeyboardInterrupt


class _Ignore:
    def advance(self, amount=1, **fields):
        """Count nothing."""


@pytest.mark.parametrize("n_epochs", [1, 3, 6])
def test_interrupted_and_resumed_equals_uninterrupted(folded, n_epochs):
    straight = folded("straight")
    with pytest.raises(InterruptedRunError, match=r"Go on with: rapidity train .*--resume"):
        folded("broken", options={"progress": StopAfter(n_epochs)})
    resumed = folded("broken", options={"resume": True})
    first, second = (OnnxModel.load(run.path.model) for run in (straight, resumed))
    assert first.path.read_bytes() == second.path.read_bytes()
    assert straight.metrics == resumed.metrics


def test_a_finished_run_is_refused_resumed_or_replaced(folded):
    run = folded()
    with pytest.raises(ConfigError, match="already holds a run"):
        folded()
    before = run.path.model.read_bytes()
    assert folded(options={"resume": True}).path.model.read_bytes() == before
    other = folded(options={"overwrite": True}, folds={"count": 4})
    assert other.model.folds.count == 4
    assert other.path.fold(3).is_run
    smaller = folded(options={"overwrite": True})
    assert not smaller.path.fold(3).path.exists()


def test_other_folds_cannot_be_resumed(folded):
    folded()
    with pytest.raises(ConfigError, match=r"training.folds was 3 by 'event', is 4 by 'event'"):
        folded(options={"resume": True}, folds={"count": 4})


def test_a_run_with_folds_does_not_go_on_without(folded, config, tmp_path):
    run = folded()
    without = config("without", without=[("training", "folds")])
    with pytest.raises(ConfigError, match=r"training.folds was 3 by 'event', is not given"):
        train_run(without, output=run.folder, resume=True)
    assert run.path.fold(0).is_run


@pytest.mark.slow
def test_two_processes_train_what_one_trains(folded):
    one, two = folded("one"), folded("two", folds={"workers": 2})
    for index in range(COUNT):
        first, second = (fold_model(run, index) for run in (one, two))
        assert same_but_configuration(first, second)
    assert one.metrics == two.metrics
    assert two.record["parity"]["max_deviation"] <= two.record["parity"]["tolerance"]


@pytest.mark.slow
@pytest.mark.cluster
def test_a_cluster_trains_what_one_process_trains(folded):
    pytest.importorskip("distributed")
    one, many = folded("one"), folded("many", options={"cluster": "local:2"})
    assert all(same_but_configuration(fold_model(one, i), fold_model(many, i)) for i in range(COUNT))
    assert one.metrics == many.metrics
    assert load_config(many.path.fold(0).config).config.cluster is None


class InterruptedExecutor:
    """Trains so many folds in this process, then is interrupted."""

    def __init__(self, n_folds):
        self.n_folds = n_folds

    def run(self, function, tasks):
        for index, task in enumerate(tasks[: self.n_folds]):
            yield index, function(task)
        raise KeyboardInterrupt


def test_interrupted_processes_go_on(folded, monkeypatch):
    straight = folded("straight")
    with monkeypatch.context() as patch:
        opened = nullcontext(InterruptedExecutor(1))
        patch.setattr("rapidity.workflow.folds.open_executor", lambda *_: opened)
        expected = r"1 of 3 folds are trained, the others are saved in .*folds up to .* Go on with: rapidity"
        with pytest.raises(InterruptedRunError, match=expected):
            folded("broken", folds={"workers": 2})
    resumed = folded("broken", options={"resume": True})
    assert all(same_but_configuration(fold_model(straight, i), fold_model(resumed, i)) for i in range(COUNT))


@pytest.mark.slow
def test_an_error_of_a_fold_comes_back_from_its_process(folded):
    with pytest.raises(TrainingError, match=r"loss became|not finite"):
        folded(folds={"workers": 2}, optimizer={"type": "sgd", "learning_rate": 1e30})


def test_a_cluster_without_folds_has_nothing_to_do(config, write_config, tmp_path, events):
    path = write_config(tmp_path / "one.yaml", data=DATA, training=TRAINING)
    with pytest.raises(ConfigError, match=r"a cluster is given, but one network is trained in one process"):
        train_run(path, output=tmp_path / "one", cluster="local:2")
    with pytest.raises(ConfigError, match=r"a cluster is given, but a module of your own"):
        train_run(config(without=[["network"]]), output=tmp_path / "one", cluster="local:2", module=dict)
