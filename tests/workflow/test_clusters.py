"""The verbs that are shared out do the same on a Dask cluster as alone, also when a worker dies."""

from __future__ import annotations

import pyarrow.parquet
import pytest
import uproot
from cluster import tasks as work
from cluster.events import content, write_tree

from rapidity.workflow import convert_files, predict_files, train_run

pytestmark = [pytest.mark.cluster, pytest.mark.numpy]
N_FILES = 4
TWO = "local:2"


@pytest.fixture
def files(tmp_path):
    """Return files of two classes in turn."""
    paths = [tmp_path / f"{'signal' if seed % 2 else 'background'}_{seed}.root" for seed in range(N_FILES)]
    for seed, path in enumerate(paths):
        write_tree(path, seed)
    return paths


@pytest.fixture
def config(tmp_path, files, write_config):
    sources = [{"path": f"{name}_*.root", "class": name} for name in ("background", "signal")]
    return write_config(
        tmp_path / "run.yaml",
        data={"sources": sources, "event_key": ["event"], "event_weight": "weight", "selection": "met > 5"},
        features=["met", "leading = jet_pt[0]", "n_jets = count(jet_pt)"],
        preparation={"missing": {"nan": "missing", "indicator": True}},
        training={"engine": "numpy", "epochs": 2, "batch_size": 32, "folds": {"count": 3, "workers": 1}},
    )


@pytest.fixture
def one_dies(monkeypatch, tmp_path):
    """Return a function that has a task be done by another, whose first worker dies and leaves a mark."""
    mark = tmp_path / "mark"
    monkeypatch.setenv("MARK_OF_DEATH", str(mark))

    def replace(place, function):
        monkeypatch.setattr(place, function)
        return mark

    return replace


def trees(folder):
    """Return the scores in all files of a folder."""
    found = {}
    for path in sorted(folder.glob("*.root")):
        with uproot.open(path) as file:
            found[path.name] = {
                name: values.tolist() for name, values in file["scores"].arrays(library="np").items()
            }
    return found


def run_results(run):
    """Return the model and the scores of a run, whose folder has no part in them."""
    table = pyarrow.parquet.read_table(run.path.scores)
    return run.path.model.read_bytes(), table.to_pydict(), run.metrics


@pytest.mark.parametrize("dies", [False, True], ids=["alive", "dies"])
def test_a_conversion_is_the_same(files, tmp_path, one_dies, dies):
    mark = tmp_path / "mark"
    alone = convert_files(files, tmp_path / "alone.h5", n_workers=1, chunk_size=50)
    if dies:
        one_dies("rapidity.workflow.convert.convert_part", work.convert_after_death)
    shared = convert_files(files, tmp_path / "shared.h5", cluster=TWO, chunk_size=50)
    assert mark.exists() == dies
    assert shared.n_written == alone.n_written
    assert content(tmp_path / "shared.h5") == content(tmp_path / "alone.h5")


@pytest.mark.slow
def test_folds_and_their_predictions_are_the_same(config, files, tmp_path, without_plots, one_dies):
    alone = train_run(config, output=tmp_path / "alone")
    mark = one_dies("rapidity.workflow.folds.train_fold", work.train_after_death)
    shared = train_run(config, output=tmp_path / "shared", cluster=TWO)
    assert mark.exists()
    assert run_results(shared) == run_results(alone)

    predict_files(alone.folder, files, tmp_path / "scores_alone")
    mark.unlink()
    one_dies("rapidity.workflow.predict.predict_file", work.predict_after_death)
    predict_files(shared.folder, files, tmp_path / "scores_shared", cluster=TWO)
    assert mark.exists()
    assert len(trees(tmp_path / "scores_alone")) == N_FILES
    assert trees(tmp_path / "scores_shared") == trees(tmp_path / "scores_alone")
