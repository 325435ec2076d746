"""Trees and RNTuples, written and read back."""

from __future__ import annotations

import json

import numpy as np
import pytest
import uproot

from rapidity.core.errors import DataError
from rapidity.core.jagged import Jagged
from rapidity.data.readers import open_reader
from rapidity.data.readers.attributes import read_attribute
from rapidity.data.writers import OutputColumn, open_writer
from rapidity.data.writers.root import open_root_writer

COLUMNS = {"score": np.dtype("f4"), "pass": np.dtype("?"), "hash": np.dtype("u8"), "entry": np.dtype("i8")}
LAYOUTS = ("tree", "rntuple")


def make_rows(n_rows, seed=1):
    rng = np.random.default_rng(seed)
    return {
        "score": rng.normal(size=n_rows).astype("f4"),
        "pass": rng.random(n_rows) > 0.5,
        "hash": rng.integers(0, 2**64 - 1, n_rows, dtype="u8"),
        "entry": np.arange(n_rows) - 3,
    }


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("sizes", [[], [0], [5], [3, 1, 4], [2] * 120])
def test_what_was_written_is_read_back_exactly(tmp_path, layout, sizes):
    path = tmp_path / "a.root"
    parts = [make_rows(size, seed) for seed, size in enumerate(sizes)]
    with open_root_writer(path, columns=COLUMNS, table="scores", layout=layout) as writer:
        for part in parts:
            writer.write(part)
    with uproot.open(path) as file:
        assert file["scores"].num_entries == sum(sizes)
        for name, dtype in COLUMNS.items():
            values = np.asarray(file["scores"][name].array())
            expected = np.concatenate([np.empty(0, dtype), *(part[name] for part in parts)])
            np.testing.assert_array_equal(values, expected)
            assert not sizes or values.dtype == dtype


@pytest.mark.parametrize("layout", LAYOUTS)
def test_attributes_are_readable_objects(tmp_path, layout):
    path = tmp_path / "a.root"
    facts = json.dumps({"model": "größe" * 100})
    with open_root_writer(
        path, columns=COLUMNS, table="t", layout=layout, attributes={"facts": facts}
    ) as writer:
        writer.write(make_rows(2))
    with uproot.open(path) as file:
        assert file.classnames()["facts;1"] == "TObjString"
        assert str(file["facts"]) == facts
    assert read_attribute(path, "facts") == facts
    assert read_attribute(path, "other") is None


@pytest.mark.parametrize("layout", LAYOUTS)
def test_units_are_kept_beside_the_table(tmp_path, layout):
    path = tmp_path / "a.root"
    columns = {"pt": OutputColumn("f4", unit="GeV"), "n": OutputColumn("i4")}
    with open_root_writer(path, columns=columns, table="t", layout=layout) as writer:
        writer.write({"pt": np.zeros(2, "f4"), "n": np.zeros(2, "i4")})
    assert {name: info.unit for name, info in open_reader(path).columns.items()} == {"pt": "GeV", "n": None}


@pytest.mark.parametrize("text", ["GeV", "[1]", '{"other": "GeV"}'])
def test_a_text_about_other_units_says_nothing(tmp_path, text):
    path = tmp_path / "a.root"
    with open_root_writer(path, columns={"x": "f4"}, table="t", attributes={"units": text}) as writer:
        writer.write({"x": np.zeros(2, "f4")})
    assert open_reader(path).columns["x"].unit is None


def test_attributes_are_read_of_every_format_that_keeps_them(tmp_path):
    for suffix, expected in {".parquet": "text", ".h5": "text", ".csv": None}.items():
        path = tmp_path / f"a{suffix}"
        with open_writer(path, columns={"x": "f4"}, attributes={"facts": "text"}) as writer:
            writer.write({"x": np.zeros(2, "f4")})
        assert read_attribute(path, "facts") == expected


@pytest.mark.parametrize("layout", LAYOUTS)
def test_text_and_paths_are_refused(tmp_path, layout):
    for columns, message in (
        ({"a/b": "f4"}, r"'a/b' cannot be written to .*ROOT takes '/' in a name for a folder"),
        ({"label": object}, r"'label' cannot be written to .*found text, expected numbers"),
        ({}, "no column is asked for"),
    ):
        with (
            pytest.raises(DataError, match=message),
            open_root_writer(tmp_path / "a.root", columns=columns, table="t", layout=layout),
        ):
            pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("layout", LAYOUTS)
def test_nothing_is_left_after_an_error(tmp_path, layout):
    path = tmp_path / "a.root"
    path.write_text("earlier")

    def write_until_interrupted():
        with open_root_writer(path, columns=COLUMNS, table="t", layout=layout) as writer:
            writer.write(make_rows(5))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_until_interrupted()
    assert path.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", [".root", ".csv", ".csv.gz", ".parquet", ".h5"])
def test_a_file_can_be_looked_at_before_it_takes_its_name(tmp_path, suffix):
    path = tmp_path / f"a.b{suffix}"
    seen = []

    def look(temporary):
        assert not path.exists()
        seen.append(open_reader(temporary).columns.keys() >= {"score"})
        if len(seen) == 2:
            message = "spoilt"
            raise DataError(message)

    for _ in range(2):
        path.unlink(missing_ok=True)
        columns = {"score": "f4", "entry": "i8"}
        writer = (
            open_root_writer(path, columns=columns, table="t")
            if suffix == ".root"
            else open_writer(path, columns=columns)
        )
        writer.verify = look
        try:
            with writer:
                writer.write({name: make_rows(3)[name] for name in columns})
        except DataError:
            assert len(seen) == 2
    assert seen == [True, True]
    assert list(tmp_path.iterdir()) == []


JET = OutputColumn("f4", collection="jet", is_jagged=True)


def make_jets(counts, start=0.0):
    return Jagged.from_counts(start + np.arange(float(sum(counts))), np.array(counts))


def test_objects_of_a_collection_share_their_counts_in_a_tree(tmp_path):
    path = tmp_path / "a.root"
    flavour = OutputColumn("i4", collection="jet", is_jagged=True)
    lepton = OutputColumn("f8", collection="lepton", is_jagged=True)
    columns = {"jet_pt": JET, "event": "i8", "jet_flavour": flavour, "lepton_pt": lepton}
    with open_root_writer(path, columns=columns, table="events") as writer:
        for counts in ([2, 0, 3], [0, 0], [1]):
            writer.write(
                {
                    "event": np.arange(len(counts)),
                    "jet_pt": make_jets(counts),
                    "jet_flavour": make_jets(counts, 4).astype("i4"),
                    "lepton_pt": make_jets([1] * len(counts), 30),
                }
            )
    with uproot.open(path) as file:
        assert set(file["events"].keys()) == {
            "event",
            "n_jet",
            "jet_pt",
            "jet_flavour",
            "n_lepton",
            "lepton_pt",
        }
        assert file["events"]["n_jet"].array().tolist() == [2, 0, 3, 0, 0, 1]
        assert file["events"]["jet_flavour"].array().tolist() == [[4, 5], [], [6, 7, 8], [], [], [4]]
    reader = open_reader(path)
    assert {info.collection for name, info in reader.columns.items() if name.startswith("jet")} == {"jet"}


def test_objects_that_do_not_belong_together_are_refused(tmp_path):
    columns = {"jet_pt": JET, "jet_eta": JET}
    with (
        pytest.raises(DataError, match="'jet_eta' and 'jet_pt' differ in their numbers of objects"),
        open_root_writer(tmp_path / "a.root", columns=columns, table="t") as writer,
    ):
        writer.write({"jet_pt": make_jets([1, 2]), "jet_eta": make_jets([2, 1])})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("layout", "column", "message"),
    [
        (
            "tree",
            OutputColumn("f4", is_jagged=True),
            "'jet_pt' .* belongs to no collection. Name the collection",
        ),
        ("rntuple", JET, "'jet_pt' .* found a varying number of values per event.*Write a tree"),
    ],
)
def test_jagged_columns_that_cannot_be_kept_are_refused(tmp_path, layout, column, message):
    with (
        pytest.raises(DataError, match=message),
        open_root_writer(tmp_path / "a.root", columns={"jet_pt": column}, table="t", layout=layout),
    ):
        pass
