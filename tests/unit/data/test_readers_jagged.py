"""Jagged columns of every format that has them."""

from __future__ import annotations

import awkward as ak
import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot

from rapidity.core.errors import DataError
from rapidity.core.jagged import Jagged, JaggedType
from rapidity.data.readers import open_reader, root_tree
from rapidity.data.readers.conversion import Place, convert_jagged
from rapidity.data.sources import JoinedFile

from .jagged_files import (
    DOUBLE,
    FLOAT,
    N_EVENTS,
    as_lists,
    make_lists,
    read_all,
    write_columnar,
    write_lists,
    write_ntuple,
    write_tree,
)


@pytest.fixture
def tree_file(tmp_path):
    return write_tree(tmp_path / "tree.root")


@pytest.fixture
def ntuple_file(tmp_path):
    return write_ntuple(tmp_path / "ntuple.root")


@pytest.fixture
def parquet_file(tmp_path):
    return write_lists(tmp_path / "events.parquet")


@pytest.fixture
def columnar_file(tmp_path):
    return write_columnar(tmp_path / "columnar.h5")


@pytest.mark.parametrize("chunk_size", [1, 9, 16, 1000])
def test_count_leaf_branches_are_read(tree_file, chunk_size):
    wanted = {"Jet_pt": DOUBLE, "Jet_n_tracks": FLOAT, "Jet_is_b": FLOAT, "track_pt": FLOAT, "met": "f4"}
    found = read_all(tree_file, wanted, chunk_size)
    assert as_lists(found["Jet_pt"]) == ak.to_list(make_lists())
    assert as_lists(found["Jet_n_tracks"]) == ak.to_list(make_lists("f4"))
    assert found["Jet_n_tracks"].dtype == np.float32
    assert as_lists(found["Jet_is_b"]) == ak.to_list(ak.values_astype(make_lists("i4") % 2 == 0, "f4"))
    assert found["Jet_pt"].offsets.dtype == np.int64
    assert found["met"].tolist() == list(range(N_EVENTS))


def test_collections_of_a_tree_are_those_of_its_counts(tree_file):
    columns = open_reader(tree_file).columns
    jagged = {name: (info.dtype, info.collection) for name, info in columns.items() if info.kind == "jagged"}
    assert jagged == {
        "Jet_pt": ("float64", "Jet"),
        "Jet_n_tracks": ("uint8", "Jet"),
        "Jet_is_b": ("uint8", "Jet"),
        "track_pt": ("float32", "track_pt"),
    }


def test_records_inside_lists_of_an_ntuple_are_read(ntuple_file):
    reader = open_reader(ntuple_file)
    columns = reader.columns
    assert {name: info.kind for name, info in columns.items()} == {
        "jets.pt": "jagged",
        "jets.n_tracks": "jagged",
        "jets.sub.mass": "jagged",
        "is_b": "jagged",
        "tracks": "doubly jagged",
        "names": "jagged",
        "met": "float32",
    }
    assert {info.collection for name, info in columns.items() if name.startswith("jets")} == {"jets"}
    assert columns["is_b"].collection is None
    found = read_all(ntuple_file, {"jets.sub.mass": DOUBLE, "is_b": FLOAT, "jets.n_tracks": FLOAT}, 7)
    assert as_lists(found["jets.sub.mass"]) == ak.to_list(make_lists())
    assert as_lists(found["is_b"]) == ak.to_list(ak.values_astype(make_lists("i4") % 2 == 0, "f4"))


def test_parquet_lists_are_read(parquet_file):
    kinds = {name: (info.kind, info.dtype) for name, info in open_reader(parquet_file).columns.items()}
    assert kinds == {
        "jet_pt": ("jagged", "float64"),
        "jet_n": ("jagged", "int16"),
        "jet_is_b": ("jagged", "uint8"),
        "tracks": ("doubly jagged", None),
        "names": ("jagged", None),
        "met": ("float32", None),
    }
    found = read_all(parquet_file, {"jet_pt": FLOAT, "jet_n": JaggedType.of("i8"), "jet_is_b": FLOAT}, 7)
    assert as_lists(found["jet_pt"]) == ak.to_list(make_lists("f4"))
    assert as_lists(found["jet_n"]) == ak.to_list(make_lists("i8"))
    assert as_lists(found["jet_is_b"]) == ak.to_list(ak.values_astype(make_lists() > 3, "f4"))


def test_unit_and_collection_of_a_parquet_list_are_its_metadata(tmp_path):
    field = pa.field("pt", pa.list_(pa.float32()), metadata={"unit": "GeV", "collection": "jets"})
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"pt": [[1.0], []]}, schema=pa.schema([field])), path)
    info = open_reader(path).columns["pt"]
    assert (info.unit, info.collection) == ("GeV", "jets")


@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        (
            [[1.0], [2.0, None]],
            r"column 'pt' of .*a\.parquet, entry 1, value 1: found no value, expected a number",
        ),
        ([[1.0], None], r"column 'pt' of .*a\.parquet, entry 1: found no value, expected a list"),
    ],
)
def test_missing_value_inside_lists_is_refused(tmp_path, lists, expected):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"pt": pa.array(lists, pa.list_(pa.float64()))}), path)
    with pytest.raises(DataError, match=expected):
        list(open_reader(path).read({"pt": FLOAT}))


def test_nan_inside_a_list_stays():
    values = Jagged.from_counts(np.array([1.0, np.nan]), np.array([0, 2]))
    converted = convert_jagged(values, np.dtype("f4"), Place("pt", "a.root"))
    np.testing.assert_array_equal(converted.content, [1, np.nan])


def test_value_that_does_not_fit_names_its_event():
    values = Jagged.from_counts(np.array([1.0, 2.0, 2.5]), np.array([1, 0, 2]))
    with pytest.raises(
        DataError, match=r"column 'n' of a\.root, row 2, value 1: found 2\.5, expected a whole"
    ):
        convert_jagged(values, np.dtype("i8"), Place("n", "a.root"))


def test_columnar_file_is_described_and_read(columnar_file):
    reader = open_reader(columnar_file)
    info = reader.columns["jet_pt"]
    assert (info.kind, info.dtype, info.unit, info.collection) == ("jagged", "float64", "GeV", "jet")
    assert reader.columns["class"].kind == "text"
    assert reader.columns["n_jet"].kind == "integer"
    found = read_all(columnar_file, {"jet_pt": FLOAT, "class": object, "n_jet": "i8"}, 7)
    assert as_lists(found["jet_pt"]) == ak.to_list(make_lists("f4"))
    assert found["class"][:2].tolist() == ["background", "signal"]


def test_more_objects_than_there_is_room_for_are_refused(tmp_path):
    path = write_columnar(tmp_path / "a.h5", width=2)
    with pytest.raises(
        DataError, match=r"column 'n_jet' of 'events' of .*, entry 3: found 3 objects, expected 0 to 2"
    ):
        list(open_reader(path).read({"jet_pt": FLOAT}))


def test_padded_dataset_without_its_counts_is_refused(tmp_path):
    path = write_columnar(tmp_path / "a.h5", collection="lepton")
    with pytest.raises(
        DataError, match=r"'jet_pt' of 'events' of .* 'lepton', but there are no whole numbers 'n_lepton'"
    ):
        open_reader(path)


def test_lists_of_varying_length_in_hdf5_are_read(tmp_path):
    path = tmp_path / "a.h5"
    lists = ak.to_list(make_lists())
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("jet_pt", (N_EVENTS,), h5py.vlen_dtype(np.float32))
        for index, values in enumerate(lists):
            dataset[index] = np.array(values, np.float32)
        file["met"] = np.zeros(N_EVENTS)
    assert open_reader(path).columns["jet_pt"].kind == "jagged"
    assert as_lists(read_all(path, {"jet_pt": DOUBLE}, 7)["jet_pt"]) == lists


def test_fixed_arrays_may_be_read_as_jagged(tree_file):
    reader = open_reader(tree_file)
    arrays = np.concatenate([chunk["cov"] for chunk in reader.read({"cov": np.dtype(("f4", (3,)))}, 7)])
    chunks = [chunk["cov"] for chunk in reader.read({"cov": JaggedType.of(np.float64)}, 7)]
    jagged = Jagged.concatenate(chunks)
    assert (jagged.counts == 3).all()
    assert jagged.dtype == np.float64
    np.testing.assert_array_equal(jagged.content.reshape(-1, 3), arrays)


@pytest.mark.parametrize(
    ("column", "dtype", "expected"),
    [
        ("Jet_pt", "f4", r"a varying number of values per event.*such as Jet_pt\[0\], sum\(Jet_pt\)"),
        ("Jet_pt", np.dtype(("f4", (3,))), r"holds double\[\], expected an array of shape \(3,\)"),
        ("met", FLOAT, r"holds one value per event \(float\), expected a varying number"),
    ],
)
def test_column_asked_for_in_another_way_is_refused(tree_file, column, dtype, expected):
    with pytest.raises(DataError, match=rf"column '{column}' of tree 'events' of .*{expected}"):
        open_reader(tree_file).read({column: dtype})


@pytest.mark.parametrize(
    ("column", "expected"),
    [("tracks", "for each of a varying number of objects"), ("names", "its values are no numbers")],
)
@pytest.mark.parametrize("kind", ["ntuple_file", "parquet_file"])
def test_lists_of_other_things_than_numbers_are_refused(request, kind, column, expected):
    reader = open_reader(request.getfixturevalue(kind))
    with pytest.raises(DataError, match=rf"column '{column}' of .* cannot be read: .*{expected}"):
        reader.read({column: FLOAT})


def test_each_basket_is_read_once(tree_file, monkeypatch):
    read = uproot.models.TBasket.Model_TBasket.read.__func__
    names = []

    def count(cls, chunk, cursor, context, *rest):
        names.append((rest[2].name, context["basket_num"]))
        return read(cls, chunk, cursor, context, *rest)

    monkeypatch.setattr(uproot.models.TBasket.Model_TBasket, "read", classmethod(count))
    read_all(tree_file, {"Jet_pt": FLOAT, "met": "f4"}, 5)
    jets = [place for place in names if place[0] == "Jet_pt"]
    assert sorted(jets) == [("Jet_pt", 0), ("Jet_pt", 1), ("Jet_pt", 2)]


def test_count_that_only_looks_like_one_is_not_cut(tmp_path):
    path = tmp_path / "a.root"
    counts = {"neutral_pt": "neutral", "sv_pt": "sv_num", "mu_pt": "n_mu", "el_pt": "nel", "ph_pt": "ph_size"}
    with uproot.recreate(path) as file:
        tree = file.mktree("t", dict.fromkeys(counts, "var * float32"), counter_name=counts.__getitem__)
        tree.extend(dict.fromkeys(counts, make_lists("f4")))
    columns = open_reader(path).columns
    found = {name: info.collection for name, info in columns.items() if info.kind == "jagged"}
    assert found == {"neutral_pt": "neutral", "sv_pt": "sv", "mu_pt": "mu", "el_pt": "el", "ph_pt": "ph"}


@pytest.mark.parametrize("lists", [[[1.0], [], [2.0]], [[[1.0]], [], [[2.0]]]])
def test_file_of_lists_alone_says_how_many_events_a_joined_file_must_have(tmp_path, lists):
    """The first of the joined files is read even if only columns of the other are asked for."""
    pq.write_table(pa.table({"tracks": lists, "hits": [[1.0], [], []]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"label": [0, 1, 0]}), tmp_path / "b.parquet")
    joined = JoinedFile((open_reader(tmp_path / "a.parquet"), open_reader(tmp_path / "b.parquet")))
    (chunk,) = joined.read({"label": np.int64})
    assert chunk["label"].tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("counts", "collection"),
    [
        ("Jet_", "Jet"),
        ("Jet_size", "Jet"),
        ("nJet", "Jet"),
        ("NJet", "Jet"),
        ("n_Jet", "Jet"),
        ("Jet_n", "Jet"),
        (None, None),
    ],
)
def test_collection_is_called_like_the_leaf_of_the_counts(counts, collection):
    """Delphes' split TClonesArrays, which uproot reads but does not write, have leaves such as `Jet_`."""

    class Leaf:
        def member(self, name):
            return {"fName": counts}[name]

    class Branch:
        count_leaf = None if counts is None else Leaf()

    assert root_tree._collection("Jet.PT", Branch()) == collection
