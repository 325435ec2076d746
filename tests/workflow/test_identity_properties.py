"""Random jagged trees, converted, trained on, scored in every format: each score lands on its event."""

from __future__ import annotations

import csv
import itertools
import tempfile
from dataclasses import dataclass
from pathlib import Path

import awkward as ak
import h5py
import numpy as np
import pyarrow.parquet
import pytest
import uproot
import yaml
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from rapidity.core.jagged import Jagged
from rapidity.workflow import convert_files, predict_files, train_run

pytestmark = [pytest.mark.numpy, pytest.mark.slow]

TOLERANCE = 1e-6  # of float32 scores that the same nodes give in batches of other sizes
FORMATS = {"root": ".root", "rntuple": ".root", "hdf5": ".h5", "parquet": ".parquet", "csv": ".csv"}
GUARDS = ("duplicates", "separating_feature", "truth_like_name", "constant_feature", "unstated_sentinel")
FEATURES = ["met", "leading = jet_pt[0]", "n_hard = count(jet_pt > 30)", "ht = sum(jet_pt)"]


@dataclass(frozen=True)
class Case:
    """What is drawn: the events are made of the seed."""

    sizes: tuple[int, ...]
    most_jets: int
    converted_cut: float
    trained_cut: float
    n_folds: int | None
    seed: int
    chunk_size: int
    suffix: str


cases = st.builds(
    Case,
    sizes=st.lists(st.integers(90, 140), min_size=1, max_size=3).map(tuple),
    most_jets=st.integers(2, 6),
    converted_cut=st.sampled_from([0.0, 4.0]),
    trained_cut=st.sampled_from([0.0, 8.0]),
    n_folds=st.sampled_from([None, 3, 4]),
    seed=st.integers(0, 2**31),
    chunk_size=st.sampled_from([7, 40, 1000]),
    suffix=st.sampled_from([".h5", ".parquet"]),
)


def make_events(case):
    """Return the events of all files, their numbers of both signs and without order."""
    rng = np.random.default_rng(case.seed)
    n_events = sum(case.sizes)
    counts = rng.integers(0, case.most_jets + 1, n_events)
    # Hardest first, as a conversion writes them.
    jets = [np.sort(rng.exponential(40.0, count))[::-1] for count in counts]
    return {
        "row": np.arange(n_events),
        "event": rng.permutation(n_events) * 7 - 3 * n_events,
        "code": np.arange(n_events) % 2,
        "met": rng.exponential(30.0, n_events) + 5.0 * (np.arange(n_events) % 2),
        "weight": rng.choice([-0.2, 0.5, 2.0], n_events, p=[0.15, 0.35, 0.5]),
        "jet_pt": Jagged.from_counts(np.concatenate(jets), counts),
    }


def write_trees(folder, case, events):
    """Write the events in order, file after file."""
    edges = np.cumsum((0, *case.sizes))
    paths = []
    for number, (first, last) in enumerate(itertools.pairwise(edges)):
        rows = {name: values[first:last] for name, values in events.items()}
        jets = rows.pop("jet_pt")
        types = {name: values.dtype for name, values in rows.items()} | {"jet_pt": "var * float64"}
        paths.append(folder / f"part{number}.root")
        with uproot.recreate(paths[-1]) as file:
            content = {**rows, "jet_pt": ak.unflatten(jets.content, jets.counts)}
            file.mktree("events", types).extend(content)
    return paths


def configure(case, converted):
    """Return a configuration that trains on the converted file."""
    blocks = {
        "name": "identity",
        "data": {
            "sources": [{"path": str(converted)}],
            "target": "code",
            "classes": {"background": 0, "signal": 1},
            "event_weight": "weight",
            "event_key": ["event"],
            "spectators": ["row"],
            "selection": f"met > {case.trained_cut}",
            "guards": dict.fromkeys(GUARDS, "off"),
        },
        "features": FEATURES,
        "preparation": {"missing": {"nan": "missing", "indicator": True}},
        "network": {"type": "mlp", "hidden": [4]},
        "training": {"engine": "numpy", "epochs": 1, "batch_size": 32, "seed": case.seed % 1000},
        "evaluation": {"bootstrap": 2},
    }
    if case.n_folds is None:
        split = {"train": 0.6, "validation": 0.2, "test": 0.2, "seed": case.seed % 1000}
        blocks["preparation"]["split"] = split
    else:
        blocks["training"]["folds"] = {"count": case.n_folds, "workers": 1}
    return blocks


def read_table(path):
    """Return the columns of a file of scores, with no reader of ours."""
    if path.suffix == ".root":
        with uproot.open(path) as file:
            return {name: np.asarray(values) for name, values in file["scores"].arrays(library="np").items()}
    if path.suffix == ".h5":
        with h5py.File(path) as file:
            return {name: item[()] for name, item in file["events"].items()}
    if path.suffix == ".parquet":
        columns = pyarrow.parquet.read_table(path).to_pydict()
        return {name: np.array(values) for name, values in columns.items()}
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    truth = {"true": 1.0, "false": 0.0}
    return {
        name: np.array([truth[row[name]] if row[name] in truth else float(row[name]) for row in rows])
        for name in rows[0]
    }


def check_scores_of_the_run(run, case, events, expected):
    """Each event that passes both cuts has one score, that of the model asked for this event alone."""
    table = pyarrow.parquet.read_table(run.path.scores).to_pydict()
    rows = np.array(table["row"])
    passing = np.flatnonzero(events["met"] > max(case.converted_cut, case.trained_cut))
    assert sorted(rows.tolist()) == passing.tolist()
    np.testing.assert_allclose(table["score_signal"], expected.probabilities[rows, 1], atol=TOLERANCE)
    np.testing.assert_allclose(table["event_weight"], events["weight"][rows])
    assert table["class"] == np.array(["background", "signal"])[events["code"][rows]].tolist()
    if case.n_folds is not None:
        assert table["fold"] == (events["event"][rows] % case.n_folds).tolist()


def check_predictions(folder, suffix, case, events, expected):
    """Each entry of each file has one score, in its place, also those that fail the selection."""
    first = 0
    for number, size in enumerate(case.sizes):
        rows = read_table(folder / f"part{number}.scores{suffix}")
        here = slice(first, first + size)
        np.testing.assert_allclose(rows["score_signal"], expected.probabilities[here, 1], atol=TOLERANCE)
        assert rows["source_entry"].tolist() == list(range(size))
        assert rows["event"].tolist() == events["event"][here].tolist()
        assert (rows["pass"] == (events["met"][here] > case.trained_cut)).all()
        if case.n_folds is not None:
            assert rows["fold"].tolist() == (events["event"][here] % case.n_folds).tolist()
        first += size


@given(case=cases)
@examples(
    max_examples=4,
    deadline=None,
    # A whole run takes seconds: making a failing example smaller would take minutes.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_every_score_lands_on_its_event(without_plots, case):
    events = make_events(case)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = write_trees(folder, case, events)
        converted = folder / f"converted{case.suffix}"
        summary = convert_files(
            files, converted, selection=f"met > {case.converted_cut}", chunk_size=case.chunk_size, n_workers=1
        )
        assert summary.n_written == np.count_nonzero(events["met"] > case.converted_cut)

        config = folder / "config.yaml"
        config.write_text(yaml.safe_dump(configure(case, converted)))
        run = train_run(config, output=folder / "run")
        expected = run.model.run(events)
        check_scores_of_the_run(run, case, events, expected)

        for output_format, suffix in FORMATS.items():
            scores = folder / output_format
            predict_files(run.folder, files, scores, output_format=output_format, spectators=["event"])
            check_predictions(scores, suffix, case, events, expected)
