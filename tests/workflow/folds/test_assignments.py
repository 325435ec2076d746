"""Folds that give classes to objects: each object is scored by a network that never saw its event."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet
import pytest

from rapidity.core.errors import DataError
from rapidity.core.progress import SilentProgress
from rapidity.workflow import evaluate_run, predict_files, train_run

from .conftest import COUNT, N_EVENTS, TOLERANCE, fold_model

ORIGIN = {
    "task": "assignment", "cloud": "jets", "target": "jet_origin", "one_each": ["hard"],
    "classes": {"other": 0, "hard": [1, 2]},
}  # fmt: skip
BLOCKS = {
    "inputs": {"jets": {"kind": "cloud", "features": ["log(jet_pt)", "jet_eta"], "n_objects": 3,
                        "order_by": "jet_eta"}},
    "outputs": {"origin": ORIGIN, "n_hard": {"task": "regression", "target": "n_hard"}},
    "network": {"type": "deep_sets", "object_hidden": [8], "hidden": [8]},
    "preparation": {},
}  # fmt: skip


@pytest.fixture
def jets(write_jets):
    return write_jets(N_EVENTS)


@pytest.fixture
def train(without_plots, tmp_path, write_config):
    """Return a function that trains a run with folds and classes of objects."""

    def run(name="run", memory=None, target="jet_origin", options=None, **training):
        data = {"sources": [{"path": "events.parquet"}], "event_key": ["event"]}
        data |= {} if memory is None else {"memory": memory}
        keys = {"engine": "numpy", "epochs": 6, "batch_size": 64, "device": "cpu",
                "folds": {"count": COUNT, "workers": 1},
                "optimizer": {"type": "adam", "learning_rate": 0.05}, **training}  # fmt: skip
        outputs = {**BLOCKS["outputs"], "origin": {**ORIGIN, "target": target, "missing": "ignore"}}
        path = write_config(
            tmp_path / f"{name}.yaml", data=data, training=keys, **{**BLOCKS, "outputs": outputs}
        )
        return train_run(path, output=tmp_path / name, **(options or {}))

    return run


class Notes(SilentProgress):
    def __init__(self):
        self.said = []

    def note(self, message):
        self.said.append(message)


def check_objects(run, jets) -> None:
    """Compare the file of all folds, in batches that mix and miss folds, with the networks one by one."""
    single = [fold_model(run, index).run(jets) for index in range(COUNT)]
    fold = np.mod(jets["event"], COUNT)
    for batch_size in (1, 7, None):
        scores = run.model.run(jets, batch_size)
        np.testing.assert_array_equal(scores.fold, fold)
        for index in range(COUNT):
            rows = np.flatnonzero(fold == index)
            for name, both in scores.others.items():
                alone = single[index].others[name]
                found, expected = (getattr(one, "content", one) for one in (both[rows], alone[rows]))
                np.testing.assert_allclose(found, expected, atol=TOLERANCE, rtol=TOLERANCE)


@pytest.mark.parametrize(
    ("engine", "memory"),
    [
        pytest.param("numpy", None, marks=[pytest.mark.numpy, pytest.mark.slow]),
        pytest.param("numpy", "5 KB", marks=pytest.mark.numpy, id="streamed"),
        pytest.param("torch", None, marks=[pytest.mark.torch, pytest.mark.slow]),
    ],
)
def test_objects_are_scored_by_a_network_that_never_saw_them(train, jets, tmp_path, engine, memory):
    pytest.importorskip(engine)
    notes = Notes()
    run = train(engine=engine, memory=memory, batch_size=8 if memory else 64, options={"progress": notes})
    assert sum("are streamed from" in said for said in notes.said) == (COUNT if memory else 0)
    check_objects(run, jets)
    assert run.record["parity"]["max_deviation"] <= run.record["parity"]["tolerance"]

    scores = pyarrow.parquet.read_table(run.path.scores).to_pandas()
    assert (scores["fold"] == np.mod(jets["event"], COUNT)).all()
    hard = np.concatenate(scores["score_origin_hard"].to_list())
    truth = np.concatenate(scores["truth_origin"].to_list())
    seen = ~np.isnan(hard)
    origin = run.metrics["outputs"]["origin"]
    assert origin["n_objects"] == seen.sum() < len(hard)
    right = (hard > 0.5) == (truth == 1)
    assert origin["accuracy"] == pytest.approx(right[seen].mean())
    assert origin["accuracy"] > 0.8
    of_object = np.repeat(scores["fold"].to_numpy(), jets["jet_pt"].counts)
    by_fold = [right[seen & (of_object == index)].mean() for index in range(COUNT)]
    folds = origin["folds"]
    assert folds["accuracy"]["values"] == pytest.approx(by_fold)
    assert folds["accuracy"]["spread"] == pytest.approx(np.std(by_fold, ddof=1))
    assert folds["one_each"]["class_accuracy"]["hard"]["mean"] < 1
    assert sum(folds["events"]) == origin["n_events"]
    assert "spread over the folds is the standard deviation of one fold" in " ".join(run.metrics["notes"])
    assert len(run.metrics["outputs"]["n_hard"]["folds"]["half_width"]["values"]) == COUNT
    check_new_files(run, jets, tmp_path)


def check_new_files(run, jets, folder) -> None:
    """Compare scores and numbers of a file with what the file of all folds says of its columns."""
    files = folder / "events.parquet", folder / "scores"
    predict_files(run.folder, *files)
    summary = predict_files(run.folder, *files, verify=True)
    assert summary.n_kept_events == N_EVENTS
    table = pyarrow.parquet.read_table(folder / "scores" / "events.scores.parquet").to_pandas()
    expected = run.model.run(jets)
    assert (table["fold"] == expected.fold).all()
    counts = jets["jet_pt"].counts
    rows = np.flatnonzero(counts)
    place = expected.others["origin"].offsets[rows] + table["object_origin_0"].to_numpy()[rows]
    found = table["score_origin_hard_0"].to_numpy()[rows]
    np.testing.assert_allclose(found, expected.others["origin"].content[place, 1], atol=TOLERANCE)
    again = evaluate_run(run.folder, [str(folder / "events.parquet")])
    assert again["outputs"]["origin"]["accuracy"] == run.metrics["outputs"]["origin"]["accuracy"]


@pytest.mark.numpy
def test_a_fold_without_known_objects_is_refused_before_the_training(train, jets, tmp_path):
    with pytest.raises(DataError, match=r"^fold 0: outputs.origin: of the \d+ events of the .* split"):
        train(target="where(event % 3 == 1, 0 * jet_pt - 1, jet_origin)")
    assert not list(tmp_path.rglob("history.csv"))
