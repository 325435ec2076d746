"""Runs whose events go beyond `data.memory`."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import awkward as ak
import numpy as np
import pyarrow.parquet
import pytest
import uproot

from rapidity.config import RunConfig, load_config
from rapidity.core.errors import ConfigError, DataError
from rapidity.core.jagged import Jagged
from rapidity.core.progress import SilentProgress
from rapidity.data.disk_array import DiskArray
from rapidity.data.writers import open_writer
from rapidity.training import CheckpointFolder
from rapidity.workflow.evaluate import evaluate_run
from rapidity.workflow.prepare import prepare_run
from rapidity.workflow.train import train_run

if TYPE_CHECKING:
    from rapidity.workflow.run import Run

# But the streamed run that the module shares draws its own.
pytestmark = pytest.mark.usefixtures("without_plots")
SCRIPT = Path(__file__).with_name("streamed_training.py")
N_EVENTS = 8000
MEMORY = "150 kB"
"""The raw columns take 0.5 MB, the prepared training events 0.2 MB."""

CONFIG = """
name: streamed
data:
  sources: [{{path: {path}}}]
  target: kind
  event_weight: weight
  spectators: [number]
  memory: {memory}
inputs:
  track: {{kind: table, columns: [a, b, c, "product = a * b"]}}
preparation:
  split: {{train: 0.7, validation: 0.15, test: 0.15, seed: 3}}
  missing: {{nan: missing}}
network: {{type: mlp, hidden: [16], dropout: 0.1}}
training: {{engine: {engine}, epochs: 3, batch_size: 64, optimizer: {{type: adam, learning_rate: 5.0e-3}}}}
evaluation: {{bootstrap: 100}}
"""


class Notes(SilentProgress):
    def __init__(self) -> None:
        self.said: list[str] = []

    def note(self, message: str) -> None:
        self.said.append(message)


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file of events that is sorted by class."""
    rng = np.random.default_rng(1)
    kind = np.arange(N_EVENTS) // (N_EVENTS // 2)
    columns = {
        "a": rng.normal(size=N_EVENTS) + 0.7 * kind,
        "b": rng.normal(size=N_EVENTS),
        "c": np.where(rng.random(N_EVENTS) < 0.1, np.nan, rng.normal(size=N_EVENTS) - 0.7 * kind),
        "kind": np.array(["pion", "kaon"], dtype=object)[kind],
        "weight": rng.normal(1.0, 0.5, N_EVENTS),
        "number": np.arange(N_EVENTS),
    }
    path = tmp_path_factory.mktemp("data") / "events.parquet"
    with open_writer(path, columns={name: values.dtype for name, values in columns.items()}) as writer:
        writer.write(columns)
    return path


@pytest.fixture(scope="module")
def make_config(events: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return a writer of configurations for these events."""

    def write(memory: str = MEMORY, engine: str = "numpy") -> Path:
        config = tmp_path_factory.mktemp("config") / "config.yaml"
        config.write_text(CONFIG.format(path=events, memory=memory, engine=engine))
        return config

    return write


@pytest.fixture(scope="module")
def held(make_config: Any, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a run in memory, without figures."""
    with patch("rapidity.workflow.train.draw_figures", lambda *_: {}):
        return train_run(make_config("null"), output=tmp_path_factory.mktemp("runs") / "held")


@pytest.fixture(scope="module")
def noted(make_config: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Notes]:
    """Return a streamed run, and what it said."""
    notes = Notes()
    folder = tmp_path_factory.mktemp("runs") / "streamed"
    return train_run(make_config(), output=folder, progress=notes), notes


@pytest.fixture(scope="module")
def streamed(noted: tuple[Run, Notes]) -> Run:
    return noted[0]


def hash_state(run: Path) -> str:
    """Return a hash of parameters and moments after the last epoch."""
    position, _ = CheckpointFolder(run / "checkpoints").load()
    digest = hashlib.sha256()
    for name, array in sorted(position.state.arrays.items()):
        digest.update(name.encode() + array.tobytes())
    return digest.hexdigest()


def test_a_streamed_run_says_so_and_leaves_no_cache(noted: tuple[Run, Notes]) -> None:
    run, notes = noted
    assert any("raw ones lie on the disk" in note for note in notes.said)
    assert any("are streamed from" in note for note in notes.said)
    assert not run.path.cache.exists()
    assert run.path.history.read_text().count("\n") == 4


def test_a_streamed_run_reaches_what_one_in_memory_does(held: Run, streamed: Run) -> None:
    for name in ("accuracy", "macro_auc", "log_loss"):
        low, high = held.metrics[f"{name}_interval"]
        assert low <= streamed.metrics[name] <= high, name
    assert streamed.metrics["counts"] == held.metrics["counts"]


def test_every_event_has_its_score(streamed: Run, events: Path) -> None:
    columns = pyarrow.parquet.read_table(streamed.path.scores).to_pydict()
    assert columns["number"] == columns["source_entry"] == list(range(N_EVENTS))
    read = pyarrow.parquet.read_table(events).to_pydict()
    assert columns["class"] == read["kind"]
    raw = {name: np.array(read[name], np.float64)[:500] for name in ("a", "b", "c")}
    found = streamed.model.run(raw).probabilities[:, 0]
    np.testing.assert_allclose(found, columns["score_kaon"][:500], atol=1e-6)


def test_other_events_are_evaluated_within_the_bound(streamed: Run, events: Path) -> None:
    whole = evaluate_run(streamed.path.path, [str(events)])
    assert whole["counts"]["all"] == {"kaon": N_EVENTS // 2, "pion": N_EVENTS // 2}


@pytest.mark.parametrize(
    ("memory", "on_disk", "streamed"), [("null", False, False), ("10 MB", False, False), (MEMORY, True, True)]
)
def test_the_bound_decides(
    make_config: Any, tmp_path: Path, memory: str, *, on_disk: bool, streamed: bool
) -> None:
    prepared = prepare_run(load_config(make_config(memory)).config, tmp_path, disk=tmp_path)
    assert isinstance(prepared.table.columns["a"], DiskArray) == on_disk
    assert prepared.is_streamed == streamed


def test_prepared_events_stay_in_memory_where_they_fit(make_config: Any, tmp_path: Path) -> None:
    config = load_config(make_config("400 kB")).config
    prepared = prepare_run(config, tmp_path, disk=tmp_path)
    assert isinstance(prepared.table.columns["a"], DiskArray)
    assert not prepared.is_streamed


def test_both_prepare_alike(make_config: Any, tmp_path: Path) -> None:
    held, streamed = (
        prepare_run(load_config(make_config(memory)).config, tmp_path, disk=tmp_path)
        for memory in ("null", MEMORY)
    )
    assert streamed.preparation == held.preparation
    np.testing.assert_array_equal(streamed.splits.codes, held.splits.codes)
    np.testing.assert_array_equal(streamed.train_weights.values, held.train_weights.values)
    assert streamed.warnings == held.warnings


def test_an_epoch_takes_no_more_memory_than_the_bound(make_config: Any, tmp_path: Path) -> None:
    prepared = prepare_run(load_config(make_config()).config, tmp_path, disk=tmp_path)
    splits = prepared.streamed_splits(tmp_path / "cache")
    splits.path  # noqa: B018 - written before memory is measured
    tracemalloc.start()
    try:
        n_events = 0
        for number in range(splits.n_segments):
            for window in splits.stream.segment(1, number).open_windows():
                n_events += window.n_events
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        splits.close()
    assert n_events == splits.n_events
    # 150 kB, and what the file and the thread take.
    assert peak < 150_000 + 100_000


def test_too_little_memory_leaves_the_folder_alone(make_config: Any, tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"data\.memory: 5 kB is too little to stream 5\d{3} training events"
    ):
        train_run(make_config("5 kB"), output=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_batch_size_all_needs_memory_for_all(make_config: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"in batches of 5\d{3}: several batches"):
        train_run(make_config(), output=tmp_path / "run", overrides=["training.batch_size=all"])


def test_a_full_disk_leaves_nothing_behind(
    make_config: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rapidity.data import streamed_splits

    monkeypatch.setattr(streamed_splits.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    with pytest.raises(DataError, match=r"the columns of 8,000 events need \d+ kB, and 1 kB are free"):
        train_run(make_config(), output=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_complete_training_that_is_resumed_writes_no_cache(
    streamed: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(streamed.path.path, tmp_path / "run")
    monkeypatch.setattr(
        "rapidity.data.streamed_splits.create_groups", lambda *_: pytest.fail("the file was written")
    )
    train_run(tmp_path / "run" / "config.yaml", output=tmp_path / "run", resume=True)
    assert hash_state(tmp_path / "run") == hash_state(streamed.path.path)


def start(config: Path, folder: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(SCRIPT), str(config), str(folder)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def kill_within_an_epoch(process: subprocess.Popen[str], n_saves: int, wait_s: float) -> str:
    """Kill a run some time after so many checkpoints; return the last line that it said."""
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(n_saves)]
    time.sleep(wait_s)
    process.kill()
    process.communicate()
    return lines[-1].strip()


@pytest.mark.slow
@pytest.mark.parametrize(
    "engine", [pytest.param("torch", marks=pytest.mark.torch), pytest.param("numpy", marks=pytest.mark.numpy)]
)
def test_killed_within_an_epoch_and_resumed_equals_uninterrupted(
    make_config: Any, tmp_path: Path, engine: str
) -> None:
    seed = time.time_ns() % 1_000_000
    rng = random.Random(seed)
    config = make_config(engine=engine)
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    uninterrupted = start(config, straight)
    kills = []
    for _ in range(2):
        process = start(config, killed)
        kills.append(kill_within_an_epoch(process, rng.randint(2, 5), rng.uniform(0, 0.02)))
        last = json.loads((killed / "checkpoints" / "last.json").read_text())
        kills[-1] += f" -> epoch {last['epoch']} segment {last.get('segment', 0)}"
        assert (killed / "cache" / "prepared.h5").is_file(), kills
    uninterrupted.communicate(timeout=120)
    assert uninterrupted.returncode == 0
    resumed = start(config, killed)
    resumed.communicate(timeout=120)
    assert resumed.returncode == 0, kills
    assert hash_state(killed) == hash_state(straight), f"seed {seed}: {kills}"
    assert not (killed / "cache").exists()
    histories = [(folder / "history.csv").read_text().splitlines() for folder in (straight, killed)]
    without_times = [[line.split(",")[:8] for line in history] for history in histories]
    assert without_times[0] == without_times[1]


def test_a_bound_that_holds_the_prepared_events_changes_nothing(
    held: Run, make_config: Any, tmp_path: Path
) -> None:
    other = train_run(make_config("400 kB"), output=tmp_path / "run")
    assert hash_state(other.path.path) == hash_state(held.path.path)
    assert other.metrics == held.metrics


def test_images_are_streamed(write_idx: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    label = np.arange(900) // 450
    images = rng.integers(0, 120, (900, 6, 6))
    images[label == 1, 2] += 100
    write_idx("images.idx", images.astype(np.uint8))
    write_idx("labels.idx", label.astype(np.uint8))
    config = {
        "name": "images",
        "data": {
            "sources": [{"path": str(tmp_path / "images.idx"), "join": str(tmp_path / "labels.idx")}],
            "target": "label",
            "memory": "60 kB",
        },
        "inputs": {"image": {"kind": "image", "column": "image"}},
        "preparation": {"transforms": [{"type": "divide", "by": 255}], "scale": "none"},
        "network": {"layers": ["flatten", {"type": "dense", "units": 8}, "relu"]},
        "training": {
            "engine": "numpy",
            "epochs": 4,
            "batch_size": 16,
            "optimizer": {"type": "adam", "learning_rate": 0.01},
        },
    }
    notes = Notes()
    run = train_run(RunConfig.model_validate(config), output=tmp_path / "run", progress=notes)
    assert any("are streamed from" in note for note in notes.said)
    assert run.metrics["accuracy"] > 0.95
    scores = pyarrow.parquet.read_table(run.path.scores).to_pydict()
    expected = run.model.run({"image": images.astype(np.uint8)}).probabilities[:, 0]
    np.testing.assert_allclose(scores["score_0"], expected, atol=1e-6)


def test_jagged_columns_are_streamed(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    kinds = ("signal", "background")
    for kind in kinds:
        counts = rng.integers(0, 5, 1500)
        pt = rng.exponential(60.0 if kind == "signal" else 30.0, counts.sum()).astype(np.float32)
        events = {"met": rng.exponential(30.0, 1500).astype(np.float32), "jet_pt": ak.unflatten(pt, counts)}
        with uproot.recreate(tmp_path / f"{kind}.root") as file:
            file.mktree("events", {"met": np.float32, "jet_pt": "var * float32"}).extend(events)
    config = {
        "name": "jagged",
        "data": {
            "sources": [{"path": str(tmp_path / f"{kind}.root"), "class": kind} for kind in kinds],
            "memory": "40 kB",
        },
        "features": ["met", "jet_pt[0]", "ht = sum(jet_pt)", "n_hard = count(jet_pt > 30)"],
        "preparation": {"missing": {"nan": "missing"}},
        "network": {"type": "mlp", "hidden": [8]},
        "training": {"engine": "numpy", "epochs": 3, "batch_size": 32},
    }
    path = tmp_path / "config.yaml"
    path.write_text(json.dumps(config))
    notes = Notes()
    run = train_run(path, output=tmp_path / "run", progress=notes)
    assert any("are streamed from" in note for note in notes.said)
    assert run.metrics["macro_auc"] > 0.6
    scores = pyarrow.parquet.read_table(run.path.scores).to_pydict()
    columns = {"met": events["met"], "jet_pt": Jagged.from_counts(pt, counts)}
    expected = run.model.run(columns).probabilities[:, 1]
    np.testing.assert_allclose(np.array(scores["score_background"])[1500:], expected, atol=1e-6)


@pytest.mark.data
@pytest.mark.slow
def test_tracks_of_alice_are_streamed(shared_data: Path, tmp_path: Path) -> None:
    kinds = ("Electrons", "Kaons", "Pions", "Protons")
    sources = [
        {"path": str(shared_data / "alice_pid" / f"{kind}.root"), "class": kind, "limit": 20_000}
        for kind in kinds
    ]
    runs = []
    for memory in (None, "2 MB"):
        config = {
            "name": "alice",
            "data": {"sources": sources, "drop_duplicates": True, "memory": memory},
            "inputs": {"track": {"kind": "table", "columns": "all", "exclude": ["index"]}},
            "network": {"type": "mlp", "hidden": [32, 32]},
            "training": {
                "engine": "numpy",
                "epochs": 3,
                "optimizer": {"type": "adam", "learning_rate": 5e-3},
            },
            "evaluation": {"bootstrap": 100, "interactive": False},
        }
        notes = Notes()
        output = tmp_path / str(memory)
        runs.append(train_run(RunConfig.model_validate(config), output=output, progress=notes))
        assert any("are streamed from" in note for note in notes.said) == (memory is not None)
    held, streamed = (run.metrics for run in runs)
    # Two trainings with other orders differ by more than the interval of one: by some of its widths.
    low, high = held["accuracy_interval"]
    assert abs(streamed["accuracy"] - held["accuracy"]) < 3 * (high - low)
    assert streamed["macro_auc"] > 0.99
