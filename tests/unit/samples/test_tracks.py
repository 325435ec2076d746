from __future__ import annotations

import gzip
from dataclasses import replace

import h5py
import numpy as np
import pytest
from pyarrow import csv, parquet

from rapidity.core.errors import ConfigError, DataError
from rapidity.data.readers import open_reader
from rapidity.samples import ALL_SAMPLES, TRACK_SAMPLES, generate, tracks
from rapidity.samples.lhcb.columns import CLASSES, ORDER
from rapidity.samples.simulated_rows import RowOptions, make_block
from rapidity.samples.tracks import generate_tracks

BLOCK_SIZE = 12


def simulate(class_index, rng):
    """Return random columns, whose first tells the class."""
    columns = {name: rng.random(len(class_index)) for name in TRACK_SAMPLES["lhcb_pid"].columns}
    return {**columns, "TrackP": class_index + 10.0}


@pytest.fixture(autouse=True)
def sample(monkeypatch):
    """Replace the simulation by random numbers, in small blocks."""
    monkeypatch.setattr(tracks, "BLOCK_SIZE", BLOCK_SIZE)
    return replace(TRACK_SAMPLES["lhcb_pid"], simulate=simulate)


@pytest.fixture
def make(sample, tmp_path):
    def build(name="a.csv", **settings):
        defaults = {"n_rows": 40, "seed": 3, "workers": 1}
        return generate_tracks(sample, tmp_path / name, RowOptions(**(defaults | settings)))

    return build


def test_any_number_of_workers_gives_the_same_file(make, tmp_path):
    make("1.csv")
    make("3.csv", workers=3)
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "3.csv").read_bytes()


def test_a_smaller_sample_is_the_beginning_of_a_larger_one(make, tmp_path):
    make("small.csv", n_rows=17)
    make("large.csv", n_rows=40)
    small = (tmp_path / "small.csv").read_text().splitlines()
    assert len(small) == 18
    assert small == (tmp_path / "large.csv").read_text().splitlines()[:18]


def test_another_seed_gives_other_tracks(sample):
    first, second = (make_block(sample, seed, BLOCK_SIZE, 0)[1] for seed in (1, 2))
    assert not np.any(first["EcalE"] == second["EcalE"])
    assert not np.any(make_block(sample, 1, BLOCK_SIZE, 1)[1]["EcalE"] == first["EcalE"])


def test_classes_are_equally_frequent_and_mixed(make, tmp_path):
    summary = make(n_rows=36)
    assert dict(summary.n_tracks) == dict.fromkeys(CLASSES, 6)
    assert summary.n_selected == 36
    table = csv.read_csv(tmp_path / "a.csv")
    codes = table["TrackP"].to_numpy() - 10
    assert [CLASSES[int(code)] for code in codes] == table["Label"].to_pylist()
    assert not np.array_equal(codes, np.arange(36) % 6)


def test_the_header_is_that_of_the_public_file(make, tmp_path):
    make("a.csv.gz")
    with gzip.open(tmp_path / "a.csv.gz", "rt") as stream:
        assert stream.readline().strip().split(",") == list(ORDER)


def test_a_file_without_labels_has_the_same_rows_with_a_number(make, tmp_path):
    make("with.csv")
    make("without.csv", labelled=False)
    labelled, unlabelled = (csv.read_csv(tmp_path / f"{name}.csv") for name in ("with", "without"))
    assert "Label" not in unlabelled.column_names
    assert unlabelled.column_names[35] == "ID"
    assert unlabelled["ID"].to_pylist() == list(range(40))
    assert labelled["EcalE"].equals(unlabelled["EcalE"])


def test_hdf5_and_parquet_keep_units_and_the_seed(make, tmp_path):
    make("a.h5")
    make("a.parquet")
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["events"].attrs["seed"] == "3"
        assert file["events"]["TrackP"].attrs["unit"] == "MeV"
    assert parquet.read_table(tmp_path / "a.parquet")["Label"][0].as_py() in CLASSES
    columns = open_reader(tmp_path / "a.parquet").columns
    assert columns["TrackP"].unit == "MeV"
    assert columns["Label"].labels == tuple(CLASSES) == open_reader(tmp_path / "a.h5").columns["Label"].labels
    (chunk,) = open_reader(tmp_path / "a.h5").read({"Label": np.dtype(object)})
    assert set(chunk["Label"]) == set(CLASSES)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_rows": 0}, r"the number of events \(tracks\) is 0; give 1 to"),
        ({"seed": -1}, "the seed is -1; give 0 to"),
        ({"workers": 0}, "the number of workers is 0; give 1 to 1024"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(make, settings, message):
    with pytest.raises(DataError, match=message):
        make(**settings)


def test_unknown_suffixes_and_folders_are_refused(make, tmp_path):
    with pytest.raises(DataError, match=r"a\.root cannot be written: no format for '\.root'"):
        make("a.root")
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(DataError, match="a folder stands there"):
        make("a.csv")


def test_a_failure_leaves_nothing_behind(sample, tmp_path):
    def fail(class_index, rng):
        message = "broken"
        raise ValueError(message)

    with pytest.raises(ValueError, match="broken"):
        generate_tracks(replace(sample, simulate=fail), tmp_path / "a.csv", RowOptions(5, seed=1, workers=2))
    assert not list(tmp_path.iterdir())


def test_options_of_other_samples_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="'lhcb_pid' has no underlying event"):
        generate("lhcb_pid", tmp_path / "a.csv", n_events=5, seed=1, underlying_event=True)
    with pytest.raises(ConfigError, match=r"'hww_ttbar' cannot be written without classes.*lhcb_pid"):
        generate("hww_ttbar", tmp_path / "a.h5", n_events=5, seed=1, labelled=False)


def test_generate_knows_the_sample(tmp_path):
    summary = generate("lhcb_pid", tmp_path / "a.csv", n_events=12, seed=1, workers=1)
    assert summary.n_selected == 12
    assert {"hww_ttbar", "lhcb_pid"} <= set(ALL_SAMPLES)
