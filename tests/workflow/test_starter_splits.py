"""`rapidity init`: files that are splits by their names, and classes that are flags."""

from __future__ import annotations

import numpy as np
import pytest

from rapidity.config import load_config
from rapidity.core.errors import DataError
from rapidity.workflow import check_config
from rapidity.workflow.starter import make_starter, write_starter

FLAGS = ("isB", "isC", "isG")


@pytest.fixture
def write_events(tmp_path):
    def write(name, n_events=120, seed=1, **columns):
        rng = np.random.default_rng(seed)
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        columns = {"pt": rng.exponential(40, n_events), "eta": rng.normal(size=n_events), **columns}
        lines = [",".join(columns)]
        lines += [",".join(map(str, row)) for row in zip(*columns.values(), strict=True)]
        path.write_text("\n".join(lines) + "\n")
        return path

    return write


def load(starter, folder):
    path = folder / "run.yaml"
    write_starter(starter, path, overwrite=True)
    return path, load_config(path).config


def labels(n_events=120):
    return np.arange(n_events) % 2


def flags(n_events=120, **others):
    code = np.arange(n_events) % len(FLAGS)
    return {name: (code == index).astype(int) for index, name in enumerate(FLAGS)} | others


def test_arrays_called_train_and_test_are_these_splits(tmp_path):
    rng = np.random.default_rng(1)
    for name, n_events in (("train", 200), ("test", 60)):
        np.savez(tmp_path / f"{name}.npz", x=rng.random((n_events, 8, 8)), y=labels(n_events))
    paths = [tmp_path / "train.npz", tmp_path / "test.npz"]
    starter = make_starter(paths, folder=tmp_path, name="run")
    path, config = load(starter, tmp_path)
    assert [source.split for source in config.data.sources] == [None, "test"]
    assert "200 entries; named like the training split: a part of it validates" in starter.text
    assert "of the files of the training split, at random; they are tested on the files" in starter.text
    counted = {split: sum(n.values()) for split, n in check_config(path).events.items()}
    assert counted == {"train": 180, "validation": 20, "test": 60}


def test_a_file_for_each_split_fixes_all_three(write_events, tmp_path):
    names = ("jets_train_0.csv", "jets_train_1.csv", "jets_val.csv", "jets_test.csv")
    paths = [write_events(name, seed=seed, label=labels()) for seed, name in enumerate(names)]
    path, config = load(make_starter(paths, folder=tmp_path), tmp_path)
    assert [source.split for source in config.data.sources] == ["train", "train", "validation", "test"]
    counted = {split: sum(n.values()) for split, n in check_config(path).events.items()}
    assert counted == {"train": 240, "validation": 120, "test": 120}


@pytest.mark.parametrize("pattern", ["{split}/{kind}.csv", "{kind}_{split}.csv"])
def test_what_is_left_of_the_names_is_the_class(write_events, tmp_path, pattern):
    pairs = [(split, kind) for split in ("train", "test") for kind in ("top", "higgs")]
    paths = [
        write_events(pattern.format(split=split, kind=kind), seed=seed)
        for seed, (split, kind) in enumerate(pairs)
    ]
    starter = make_starter(paths, folder=tmp_path)
    path, config = load(starter, tmp_path)
    assert starter.name == "top-vs-higgs"
    assert [(source.split, source.class_name) for source in config.data.sources] == [
        (None, "top"), (None, "higgs"), ("test", "top"), ("test", "higgs"),
    ]  # fmt: skip
    assert check_config(path).events["test"] == {"top": 120, "higgs": 120}


@pytest.mark.parametrize(
    "names",
    [
        ("train.csv", "more.csv"),
        ("test_1.csv", "test_2.csv"),
        ("training_test.csv", "test.csv"),
        ("latest.csv", "restrained.csv"),
    ],
)
def test_names_that_do_not_say_all_splits_change_nothing(write_events, tmp_path, names):
    paths = [write_events(name, seed=seed, label=labels()) for seed, name in enumerate(names)]
    _, config = load(make_starter(paths, folder=tmp_path), tmp_path)
    assert {source.split for source in config.data.sources} == {None}
    assert config.preparation.split.test == 0.1


def test_a_class_that_is_in_one_split_alone_makes_no_splits(write_events, tmp_path):
    paths = [write_events(name, seed=seed) for seed, name in enumerate(("train_a.csv", "test_b.csv"))]
    _, config = load(make_starter(paths, folder=tmp_path), tmp_path)
    assert [source.class_name for source in config.data.sources] == ["train_a", "test_b"]
    assert {source.split for source in config.data.sources} == {None}


def test_flags_of_which_one_is_set_are_the_classes(write_events, tmp_path):
    starter = make_starter([write_events("jets.csv", **flags(is_central=labels()))], folder=tmp_path)
    path, config = load(starter, tmp_path)
    assert config.data.target == "isB + 2 * isC + 4 * isG"
    assert config.data.classes == {"B": 1, "C": 2, "G": 4}
    assert config.inputs["event"].columns == ("pt", "eta", "is_central")
    assert "isG" not in starter.text.replace("target: isB + 2 * isC + 4 * isG", "")
    assert "# B 40, C 40, G 40" in starter.text
    counted = check_config(path).events
    assert {name: sum(n[name] for n in counted.values()) for name in "BCG"} == {"B": 40, "C": 40, "G": 40}


def test_files_of_one_sample_in_splits_may_have_flags(write_events, tmp_path):
    paths = [
        write_events(f"{split}.csv", seed=seed, **flags()) for seed, split in enumerate(("train", "test"))
    ]
    _, config = load(make_starter(paths, folder=tmp_path, name="run"), tmp_path)
    assert config.data.classes == {"B": 1, "C": 2, "G": 4}
    assert [source.split for source in config.data.sources] == [None, "test"]


@pytest.mark.parametrize(
    "columns",
    [
        # Two ways: a sum of two flags is a flag as well.
        flags() | {"isHeavy": flags()["isB"] + flags()["isC"]},
        # In one entry none is set.
        flags() | {"isG": np.where(np.arange(120) == 77, 0, flags()["isG"])},
        {"isB": np.ones(120, int), "isC": np.zeros(120, int)},
    ],
)
def test_flags_that_are_no_one_complete_group_are_no_target(write_events, columns):
    with pytest.raises(
        DataError, match=r"which column holds the class.*no group of columns has exactly one 1"
    ):
        make_starter([write_events("jets.csv", **columns)])


def test_flags_must_hold_in_the_entries_between_those_looked_at(write_events, monkeypatch):
    columns = flags() | {"isG": np.where(np.arange(120) == 77, 0, flags()["isG"])}
    monkeypatch.setattr("rapidity.workflow.starter.sample.MAX_ENTRIES", 20)
    monkeypatch.setattr("rapidity.workflow.starter.sample.MAX_VALUES", 0)
    path = write_events("jets.csv", **columns)
    from rapidity.data.writers import open_writer

    with open_writer(
        path.with_suffix(".parquet"), columns={n: v.dtype for n, v in columns.items()}
    ) as writer:
        writer.write(columns)
    with pytest.raises(DataError, match="which column holds the class"):
        make_starter([path.with_suffix(".parquet")])


@pytest.mark.data
def test_flags_of_real_jets(shared_data, tmp_path):
    path, config = load(
        make_starter([shared_data / "cms_jets" / "ntuple_ttbar.root"], folder=tmp_path), tmp_path
    )
    assert config.data.classes == {"B": 1, "C": 2, "UDS": 4, "G": 8}
    assert sum(sum(numbers.values()) for numbers in check_config(path).events.values()) == 7199
