"""Reading and preparing the real data sets beside the project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from rapidity.config.data import DataBlock
from rapidity.config.inputs import TableInput
from rapidity.config.preparation import Preparation
from rapidity.data.assembly import read_table
from rapidity.data.guards import run_guards
from rapidity.data.preparation import fit_preparation
from rapidity.data.split import needed_columns, split_events

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.data


def prepare(folder: Path, data: dict[str, Any], preparation: dict[str, Any], **columns: Any) -> Any:
    """Return table, splits, guard findings and the fitted preparation."""
    block = DataBlock.model_validate(data)
    config = Preparation.model_validate(preparation)
    inputs = {"event": TableInput.model_validate({"columns": "all", **columns})}
    table, features = read_table(block, inputs, needed_columns(config.split, block.objects), folder)
    split_table = split_events(table, config.split, block.objects)
    findings = run_guards(split_table, features, block.guards, config)
    return table, split_table, findings, fit_preparation(config, features, split_table.train)


def test_duplicate_kaons_are_dropped(shared_data: Path) -> None:
    sources = [{"path": f"{name}.root", "class": name.lower()} for name in ("Kaons", "Pions")]
    data = DataBlock.model_validate({"sources": sources, "drop_duplicates": True})
    table, _ = read_table(
        data, {"track": TableInput(columns="all", exclude=("index",))}, (), shared_data / "alice_pid"
    )
    assert table.counts[0].n_read == 200_000
    # The number of unique rows that the data page states, counted there in float64.
    assert table.counts[0].n_kept == 137_682
    assert table.counts[0].n_duplicates == 200_000 - 137_682


def test_alice_tracks_pass_the_guards_without_duplicates(shared_data: Path) -> None:
    names = ("Electrons", "Kaons", "Pions", "Protons")
    table, split_table, findings, preparation = prepare(
        shared_data / "alice_pid",
        {
            "sources": [{"path": f"{name}.root", "class": name.lower(), "limit": 60_000} for name in names],
            "drop_duplicates": True,
        },
        {
            "split": {"by": "row_number % 5", "validation": [1], "test": [0]},
            "columns": {"dEdx*": {"missing": {"sentinels": [0], "indicator": True}}},
        },
        exclude=("index",),
    )
    assert table.n_events == 240_000
    assert set(split_table.count_events()["test"].values()) == {12_000}
    assert findings == []
    assert "missing(dEdxITS)" in preparation.feature_names("event")
    assert preparation.ranges["dEdxITS"][0] > 0


def test_higgs_challenge_has_weights_and_sentinels(shared_data: Path) -> None:
    table, split_table, findings, preparation = prepare(
        shared_data / "higgsml",
        {
            "sources": [{"path": "*.csv.gz"}],
            "target": "Label",
            "classes": {"background": "b", "signal": "s"},
            "event_weight": "Weight",
            "event_key": ["EventId"],
        },
        {"missing": {"sentinels": [-999], "indicator": True}},
        exclude=("Kaggle*",),
    )
    assert table.n_events == 22_880
    assert len(preparation.inputs["event"].features) == 30
    yields = np.bincount(table.class_index, weights=table.event_weight)
    np.testing.assert_allclose(yields, [11_419, 19.8], rtol=2e-3)
    n_missing = sum(int((table.columns[name] == -999).sum()) for name in preparation.columns)
    assert n_missing == 144_153
    assert findings == []
    prepared = preparation.apply(table.columns, split_table.train.rows)["event"]
    assert np.isfinite(prepared).all()


def test_higgs_numbers_mean_classes(shared_data: Path) -> None:
    table, _, findings, preparation = prepare(
        shared_data / "higgs",
        {
            "sources": [{"path": ["higgs_train_10k.csv", "higgs_test_5k.csv"]}],
            "target": "response",
            "classes": {"background": 0, "signal": 1},
            "drop_duplicates": True,
        },
        {},
    )
    assert table.n_events == 15_000 - table.counts[0].n_duplicates
    assert preparation.input_shapes() == {"event": (28,)}
    assert findings == []


def test_labels_in_a_file_of_their_own(shared_data: Path) -> None:
    data = DataBlock.model_validate(
        {"sources": [{"path": "tracks.csv", "join": "tracks_labels.csv"}], "target": "particle"}
    )
    table, features = read_table(data, {"track": TableInput(columns="all")}, (), shared_data / "alice_pid")
    assert table.classes.names == ("deuterons", "electrons", "kaons", "pions", "protons")
    assert table.n_events == 100_001
    assert features.columns == ("pT", "dEdxTPC", "p", "dEdxITS", "eta", "phi")
