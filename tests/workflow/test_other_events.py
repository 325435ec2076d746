"""A finished run meets other events: predictions and evaluations on the command line, in every format."""

from __future__ import annotations

import json

import numpy as np
import pytest

from rapidity.cli import main
from rapidity.data.readers import open_reader

pytest.importorskip("torch")
pytestmark = pytest.mark.torch

TOLERANCE = 1e-6


@pytest.fixture
def call(capsys):
    """Return a function that runs the command, which must work, and returns its result as JSON."""

    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in (*arguments, "--json")])
        shown = capsys.readouterr()
        assert not ended.value.code, shown.err
        return json.loads(shown.out)

    return run


@pytest.fixture
def run_folder(tmp_path, train, tiny_events, save_csv):
    """Return a run that was trained on CSV, whatever the format of the other events."""
    (tmp_path / "training").mkdir()
    save_csv(tmp_path / "training" / "events.csv", tiny_events(300, seed=8))
    return train(data={"sources": [{"path": "training/events.csv"}], "target": "kind"}).folder


def read(path, *names):
    chunks = list(open_reader(path).read(dict.fromkeys(names, np.float64)))
    return [np.concatenate([chunk[name] for chunk in chunks]) for name in names]


def reading_options(source):
    """Return the options of `rapidity predict` for a source of a configuration."""
    named = [word for key in ("tree", "dataset") if key in source for word in (f"--{key}", source[key])]
    return [*named, *(["--column-names", ", ".join(source["columns"])] if "columns" in source else [])]


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet", ".h5"])
def test_scores_of_every_format(stored, run_folder, tmp_path, call, suffix):
    source = stored.data["sources"][-1]
    output = tmp_path / f"scores{suffix}"
    file = stored.folder / source["path"]
    options = [*reading_options(source), "--spectator", "event"]
    summary = call("predict", run_folder, file, "-o", output, *options)
    entries, event, signal, background = read(
        output, "source_entry", "event", "score_signal", "score_background"
    )
    assert summary["n_events"] == len(entries) == (300 if stored.is_by_class else 600)
    rows = [stored.row("signal", entry) for entry in entries.astype(int).tolist()]
    assert (stored.events["event"][rows] == event).all()
    np.testing.assert_allclose(signal + background, 1, atol=TOLERANCE)
    direct = {name: stored.events[name][rows] for name in ("pt", "eta", "met", "n_jets")}
    from rapidity.artefact import OnnxModel

    scores = OnnxModel.load(run_folder / "model.onnx").run(direct)
    np.testing.assert_allclose(scores.probabilities[:, 1], signal, atol=TOLERANCE)


def test_evaluation_of_every_format(stored, tmp_path, train, call):
    run = train(data=stored.data)
    words = []
    for source in stored.data["sources"]:
        table = source.get("tree") or source.get("dataset")
        words += [
            "--data",
            (f"{source['class']}=" if "class" in source else "")
            + str(stored.folder / source["path"])
            + (f":{table}" if table else ""),
        ]
    metrics = call("evaluate", run.folder, *words)
    assert metrics["counts"]["all"] == {"background": 300, "signal": 300}
    # The same events as those of the run, so the same numbers on the part that is its test split.
    assert metrics["all_auc"]["signal"] == pytest.approx(run.metrics["test_auc"]["signal"], abs=0.2)


def test_evaluation_without_data_is_that_of_the_run(run_folder, call):
    assert call("evaluate", run_folder) == json.loads((run_folder / "metrics.json").read_text())
