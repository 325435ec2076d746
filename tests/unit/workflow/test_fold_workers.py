from __future__ import annotations

import math
import os
from types import SimpleNamespace

import numpy as np
import pytest

from rapidity.config.training import Training
from rapidity.workflow import fold_workers
from rapidity.workflow.fold_workers import choose_workers, free_memory, training_seconds, worker_bytes

GIGABYTE = 1_000_000_000


def prepared(n_events=1_000_000, n_features=10, n_parameters=100_000, memory=None, **keys):
    """Return what is asked of a prepared fold, without any events."""
    training = Training.model_validate({"device": "cpu", "folds": {"count": 5}, **keys})
    column = SimpleNamespace(nbytes=4 * n_events)
    data = SimpleNamespace(memory=memory)
    return SimpleNamespace(
        config=SimpleNamespace(training=training, data=data),
        table=SimpleNamespace(columns=dict.fromkeys(map(str, range(n_features)), column), n_events=n_events),
        preparation=SimpleNamespace(input_shapes=lambda: {"features": (n_features,)}),
        network=SimpleNamespace(n_parameters=n_parameters),
        train_weights=SimpleNamespace(rows=SimpleNamespace(n_events=n_events * 3 // 5)),
    )


@pytest.fixture
def machine(monkeypatch):
    """Return a function that sets the number of cores and the free memory, in GB."""

    def pretend(cores, gigabytes):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)))
        monkeypatch.setattr(fold_workers, "free_memory", lambda: gigabytes * GIGABYTE)

    return pretend


def choose(fold):
    return choose_workers(fold, fold.config.training)


def test_long_trainings_take_the_cores_but_no_more_than_folds(machine):
    for cores, expected in ((1, 1), (2, 2), (4, 4), (64, 5)):
        machine(cores, gigabytes=1000)
        assert choose(prepared()) == expected


def test_memory_bounds_the_number(machine):
    fold = prepared(n_events=50_000_000)
    each = worker_bytes(fold) / GIGABYTE
    assert each == pytest.approx(0.7 + 0.05 * (10 * 4 + 2 * 4 * 10 + 64), rel=1e-6)
    for n_fitting in (0.5, 1.5, 3.5):
        machine(64, gigabytes=n_fitting * each / fold_workers.USED_SHARE)
        assert choose(fold) == max(1, math.floor(n_fitting))


def test_short_trainings_are_not_worth_a_process(machine):
    machine(8, gigabytes=100)
    small = prepared(n_events=1000, n_parameters=100, epochs=2)
    assert training_seconds(small) < 0.01
    assert choose(small) == 1


def test_the_configured_number_wins(machine):
    machine(1, gigabytes=0.1)
    assert choose(prepared(folds={"count": 5, "workers": 3})) == 3
    assert choose(prepared(folds={"count": 5, "workers": 30})) == 5
    assert choose(prepared(folds=None)) == 1


def test_folds_that_may_share_a_gpu_come_one_by_one(machine, monkeypatch, tmp_path):
    machine(8, gigabytes=100)
    monkeypatch.setattr(fold_workers, "GPU_FILES", (tmp_path,))
    assert choose(prepared(device="auto")) == 1
    assert choose(prepared(device="gpu")) == 1
    assert choose(prepared(device="auto", engine="numpy")) == 5
    monkeypatch.setattr(fold_workers, "GPU_FILES", (tmp_path / "absent",))
    assert choose(prepared(device="auto")) == 5


def test_the_limit_of_a_container_counts(tmp_path):
    assert fold_workers._memory_of_group(tmp_path) == math.inf
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("300\n")
    assert fold_workers._memory_of_group(tmp_path) == math.inf
    (tmp_path / "memory.max").write_text("1000\n")
    assert fold_workers._memory_of_group(tmp_path) == 700


def test_a_bound_on_memory_is_kept_by_one_process(machine):
    machine(8, gigabytes=100)
    assert choose(prepared(memory=10**9)) == 1
    assert choose(prepared(memory=10**9, folds={"count": 5, "workers": 2})) == 2


def test_this_machine_has_memory():
    assert free_memory() > 1_000_000


def test_an_epoch_costs_its_steps_and_its_operations():
    one, two = prepared(epochs=1), prepared(epochs=2)
    assert training_seconds(two) == pytest.approx(2 * training_seconds(one))
    assert training_seconds(prepared(batch_size="all")) < training_seconds(prepared(batch_size=16))
    assert np.isfinite(training_seconds(one))
