"""ROOT files: trees and RNTuples, flat columns read, others listed and refused."""

from __future__ import annotations

import awkward as ak
import numpy as np
import pytest
import uproot

from rapidity.core.errors import DataError, MissingNameError
from rapidity.data.readers import list_tables, open_reader

N_EVENTS = 50


def read_all(path, dtypes, chunk_size=16, **options):
    chunks = list(open_reader(path, **options).read(dtypes, chunk_size))
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in dtypes}


def make_events(n_events=N_EVENTS):
    return {
        "pt": np.linspace(0, 100, n_events),
        "eta": np.linspace(-2, 2, n_events, dtype=np.float32),
        "event": np.arange(n_events, dtype=np.uint64) + 2**53 + 1,
        "n_clusters": np.arange(n_events, dtype=np.uint8),
        "is_good": np.arange(n_events) % 2 == 0,
    }


@pytest.fixture
def tree_file(tmp_path):
    path = tmp_path / "events.root"
    events = make_events()
    jets = ak.Array([[1.0] * (index % 3) for index in range(N_EVENTS)])
    with uproot.recreate(path) as file:
        kinds = {name: values.dtype for name, values in events.items()}
        tree = file.mktree("sub/nominal", {**kinds, "cov": (np.dtype("f4"), (3,)), "jet_pt": "var * float64"})
        for part in (slice(0, 20), slice(20, None)):
            cov = np.ones((N_EVENTS, 3), dtype="f4")[part]
            tree.extend(
                {name: values[part] for name, values in events.items()} | {"cov": cov, "jet_pt": jets[part]}
            )
    return path


@pytest.fixture
def ntuple_file(tmp_path):
    path = tmp_path / "ntuple.root"
    jets = ak.Array([[1.0] * (index % 3) for index in range(N_EVENTS)])
    names = ak.Array([f"event {index}" for index in range(N_EVENTS)])
    with uproot.recreate(path) as file:
        file.mkrntuple("Events", ak.Array({**make_events(), "jet_pt": jets, "name": names}))
    return path


def test_tree_is_described(tree_file):
    reader = open_reader(tree_file)
    assert reader.where == f"tree 'sub/nominal' of {tree_file}"
    assert reader.n_entries == N_EVENTS
    kinds = {name: info.kind for name, info in reader.columns.items()}
    kinds.pop("njet_pt", None)  # the counter that ROOT needs beside a jagged branch
    assert kinds == {
        "pt": "float64", "eta": "float32", "event": "integer", "n_clusters": "integer", "is_good": "boolean",
        "cov": "array", "jet_pt": "jagged",
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["tree_file", "ntuple_file"])
@pytest.mark.parametrize("chunk_size", [7, 1000])
def test_flat_columns_are_read(request, kind, chunk_size):
    path = request.getfixturevalue(kind)
    events = make_events()
    dtypes = {"is_good": "f4", "n_clusters": "f4", "event": "i8", "pt": "f4", "eta": "f8"}
    table = read_all(path, dtypes, chunk_size)
    assert table["event"].tolist() == events["event"].tolist()
    np.testing.assert_array_equal(table["pt"], events["pt"].astype("f4"))
    np.testing.assert_array_equal(table["eta"], events["eta"])
    np.testing.assert_array_equal(table["is_good"], events["is_good"])
    np.testing.assert_array_equal(table["n_clusters"], events["n_clusters"])
    assert all(values.dtype == dtypes[name] for name, values in table.items())


def test_ntuple_is_described(ntuple_file):
    reader = open_reader(ntuple_file)
    assert reader.where == f"RNTuple 'Events' of {ntuple_file}"
    assert reader.n_entries == N_EVENTS
    assert reader.columns["jet_pt"].kind == "jagged"
    assert read_all(ntuple_file, {"name": object})["name"][:2].tolist() == ["event 0", "event 1"]


@pytest.mark.parametrize(
    ("name", "why"), [("jet_pt", "a varying number of values"), ("cov", "several values per event")]
)
def test_columns_with_several_values_are_refused(tree_file, name, why):
    with pytest.raises(
        DataError, match=rf"column '{name}' of tree 'sub/nominal' of .* cannot be read: it holds {why}"
    ):
        open_reader(tree_file).read({name: np.float32})


def test_missing_branch_shows_near_names(tree_file):
    expected = (
        r"column 'is_godo' is not in tree 'sub/nominal' of .*\.root \(\d columns\).\n  Closest: 'is_good'"
    )
    with pytest.raises(MissingNameError, match=expected):
        open_reader(tree_file).read({"is_godo": np.float32})


def test_missing_tree_shows_near_names(tree_file):
    with pytest.raises(MissingNameError, match=r"tree 'nominal' is not in .*Closest: 'sub/nominal'"):
        open_reader(tree_file, tree="nominal")


def test_tree_may_be_named_with_its_cycle(tree_file):
    assert open_reader(tree_file, tree="sub/nominal;1").n_entries == N_EVENTS


def test_several_trees_are_listed(tmp_path):
    path = tmp_path / "two.root"
    with uproot.recreate(path) as file:
        file.mktree("signal", {"pt": np.float32}).extend({"pt": np.zeros(2, "f4")})
        file.mktree("background", {"pt": np.float32}).extend({"pt": np.zeros(3, "f4")})
    assert {table.name: table.n_entries for table in list_tables(path)} == {"signal": 2, "background": 3}
    with pytest.raises(DataError, match=r"holds 2 tables.*'signal' \(TTree, 2 entries\)(?s:.*)`tree:`"):
        open_reader(path)
    assert open_reader(path, tree="background").n_entries == 3


def test_number_too_large_for_a_key_is_refused(tmp_path):
    path = tmp_path / "a.root"
    with uproot.recreate(path) as file:
        file.mktree("t", {"hash": np.uint64}).extend({"hash": np.array([1, 2**64 - 1], dtype=np.uint64)})
    with pytest.raises(
        DataError, match=r"entry 1: found 18446744073709551615, expected a whole number that fits"
    ):
        read_all(path, {"hash": "i8"})


@pytest.mark.parametrize("n_kept", [10, 300, 2000])
def test_truncated_file_is_refused(tree_file, n_kept):
    tree_file.write_bytes(tree_file.read_bytes()[:n_kept])
    with pytest.raises(DataError, match=r"events.root is truncated: it has .*bytes"):
        open_reader(tree_file)


def test_damaged_file_is_refused(tree_file):
    content = bytearray(tree_file.read_bytes())
    content[100:] = b"\xff" * (len(content) - 100)
    tree_file.write_bytes(bytes(content))
    with pytest.raises(DataError, match=r"events.root cannot be read, the file seems to be damaged: "):
        open_reader(tree_file)


@pytest.mark.parametrize("layout", ["tree", "rntuple"])
def test_damage_in_the_middle_is_told_with_the_entries(tmp_path, layout):
    path = tmp_path / "events.root"
    with uproot.recreate(path) as file:
        if layout == "tree":
            file.mktree("t", {"x": "f8"})
        for part in range(3):
            values = {"x": np.random.default_rng(part).integers(0, 9, 1000).astype(float)}
            if layout == "tree":
                file["t"].extend(values)
            elif part == 0:
                file.mkrntuple("t", values)
            else:
                file["t"].extend(values)
    with uproot.open(path) as file:
        if layout == "tree":
            start, size = (int(file["t/x"].member(key)[1]) for key in ("fBasketSeek", "fBasketBytes"))
        else:
            locator = file["t"].page_link_list[1][0].pages[0].locator
            start, size = int(locator.offset), int(locator.num_bytes)
    content = bytearray(path.read_bytes())
    content[start + 100 : start + size] = b"\xff" * (size - 100)
    path.write_bytes(bytes(content))
    chunks = open_reader(path).read({"x": np.float64}, 1000)
    assert len(next(chunks)["x"]) == 1000
    with pytest.raises(
        DataError, match=r"entries 1,000 to 1,999,? of .*events.root cannot be read, the file"
    ):
        next(chunks)


def test_file_without_trees_says_so(tmp_path):
    path = tmp_path / "histograms.root"
    with uproot.recreate(path) as file:
        file["h"] = np.histogram([1.0, 2.0])
    with pytest.raises(DataError, match="holds no table that can be read"):
        open_reader(path)
