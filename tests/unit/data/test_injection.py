"""Copies of files with more columns: everything else survives, or the reason is told."""

from __future__ import annotations

import gzip
import subprocess
import sys

import awkward as ak
import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot

import rapidity.data.writers.inject_root
from rapidity.core.errors import DataError, VerificationError
from rapidity.data.readers import open_reader
from rapidity.data.readers.attributes import read_attribute
from rapidity.data.writers.injection import open_injector

N_ROWS = 7
ADDED = {"score": np.dtype("f4"), "pass": np.dtype("?"), "hash": np.dtype("u8")}
ROWS = {
    "score": np.linspace(0, 1, N_ROWS, dtype="f4"),
    "pass": np.arange(N_ROWS) % 2 == 1,
    "hash": np.arange(N_ROWS, dtype="u8") + np.uint64(2**63),
}


def inject(source, copy, file_format, portions=(3, 4), **table):
    reader = open_reader(source, **table)
    before = source.read_bytes()
    with open_injector(
        reader, copy, file_format=file_format, columns=ADDED, attributes={"facts": "text"}
    ) as writer:
        start = 0
        for size in portions:
            writer.write({name: values[start : start + size] for name, values in ROWS.items()})
            start += size
    assert source.read_bytes() == before
    added = open_reader(copy, **table)
    (chunk,) = added.read(ADDED)
    for name, values in ROWS.items():
        np.testing.assert_array_equal(chunk[name], values)
    assert added.columns.keys() == reader.columns.keys() | ADDED.keys()


def refuse(source, file_format, message, error=DataError, **table):
    before = source.read_bytes()
    with pytest.raises(error, match=message):
        open_injector(
            open_reader(source, **table), source.with_name("copy"), file_format=file_format, columns=ADDED
        )
    assert source.read_bytes() == before
    assert not source.with_name("copy").exists()


# ROOT


@pytest.fixture
def flat_tree(tmp_path):
    """Return a ROOT file of two trees, one in a folder, a histogram and a text."""
    path = tmp_path / "a.root"
    with uproot.recreate(path) as file:
        file["title"] = "an event sample"
        file["hist"] = np.histogram(np.arange(50), bins=10)
        for name in ("folder/nominal", "other"):
            file.mktree(name, {"x": "f8", "y": ak.types.from_datashape("var * float32", highlevel=False)})
            file[name].extend(
                {"x": np.arange(N_ROWS) / 3, "y": ak.Array([[1.0] * (i % 3) for i in range(N_ROWS)])}
            )
    return path


def test_branches_are_added_to_a_tree_and_the_rest_survives(flat_tree, tmp_path):
    copy = tmp_path / "b.root"
    inject(flat_tree, copy, "root", tree="folder/nominal")
    with uproot.open(flat_tree) as old, uproot.open(copy) as new:
        assert str(new["title"]) == "an event sample"
        assert str(new["facts"]) == "text"
        np.testing.assert_array_equal(new["hist"].values(), old["hist"].values())
        assert new["other"].keys() == old["other"].keys()
        for name in ("folder/nominal", "other"):
            for branch in ("x", "y"):
                assert ak.array_equal(new[name][branch].array(), old[name][branch].array())


def test_a_tree_of_several_baskets_is_refused(tmp_path):
    path = tmp_path / "a.root"
    with uproot.recreate(path) as file:
        file.mktree("t", {"x": "f8"})
        for _ in range(3):
            file["t"].extend({"x": np.zeros(2)})
    refuse(
        path, "root", r"each of its branches is stored in 3 baskets.*without --inject: a friend of the file"
    )


def test_a_tree_whose_jagged_branches_share_a_count_is_refused(tmp_path):
    """The copy was made, found to be another one, and thrown away, without a word about why."""
    path = tmp_path / "a.root"
    jets = ak.zip({"pt": ak.Array([[1.0, 2.0], []]), "eta": ak.Array([[0.5, -0.5], []])})
    with uproot.recreate(path) as file:
        file.mktree("t", {"jet": jets.type.content, "met": "f4"})
        file["t"].extend({"jet": jets, "met": np.zeros(2, "f4")})
    message = (
        r"2 of its 4 branches hold a varying number of values per event \(jet_pt, jet_eta\), and uproot "
        "would forget that 'njet' tells how many: it expects 'njet_pt'"
    )
    refuse(path, "root", message)


def test_branches_that_are_there_are_refused(tmp_path):
    path = tmp_path / "a.root"
    with uproot.recreate(path) as file:
        file.mktree("t", {"score": "f8", "x": "f8"})
        file["t"].extend({"score": np.zeros(2), "x": np.zeros(2)})
    refuse(path, "root", r"no column can be added to tree 't' of .*: it has score already\.")


def test_an_rntuple_is_refused(tmp_path):
    path = tmp_path / "a.root"
    with uproot.recreate(path) as file:
        file.mkrntuple("t", {"x": np.zeros(3)})
    refuse(path, "root", "it is an RNTuple, to which uproot adds fields of zeros only")


def test_what_uproot_refuses_in_the_end_is_told(flat_tree, tmp_path, monkeypatch):
    def refuse_branches(self, branches):
        message = "branches\n  of this kind"
        raise NotImplementedError(message)

    monkeypatch.setattr(uproot.writing.writable.WritableTree, "add_branches", refuse_branches)
    with pytest.raises(DataError, match=r"uproot says: branches of this kind\. Write the scores beside"):
        inject(flat_tree, tmp_path / "b.root", "root", tree="other")
    assert not (tmp_path / "b.root").exists()


def test_a_copy_that_lost_something_is_not_kept(flat_tree, tmp_path, monkeypatch):
    real = rapidity.data.writers.inject_root.copy_file

    def copy_badly(source, destination):
        real(source, destination)
        with uproot.open(destination) as file:
            (start, *_) = file["other"]["x"].member("fBasketSeek")
        with destination.open("r+b") as stream:
            stream.seek(int(start) + 60)
            stream.write(b"\xff\xff")

    monkeypatch.setattr(rapidity.data.writers.inject_root, "copy_file", copy_badly)
    with pytest.raises(
        VerificationError, match=r"the copy of .*a\.root is not what it should be: 'other' has"
    ):
        inject(flat_tree, tmp_path / "b.root", "root", tree="folder/nominal")
    assert not (tmp_path / "b.root").exists()


# HDF5


def test_datasets_are_added_to_a_group(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["events/x"] = np.arange(N_ROWS) / 3
        file["events/label"] = [f"event {i}" for i in range(N_ROWS)]
        file["events"].attrs["note"] = "kept"
        file["other/z"] = np.zeros((3, 2))
        file["scalar"] = 3.0
    inject(path, tmp_path / "b.h5", "hdf5", dataset="events")
    with h5py.File(tmp_path / "b.h5") as file:
        assert file["events"].attrs["note"] == "kept"
        assert file["scalar"][()] == 3.0
        assert file["other/z"].shape == (3, 2)
        assert file["events/label"].asstr()[3] == "event 3"
    assert read_attribute(tmp_path / "b.h5", "facts") == "text"


@pytest.mark.parametrize("options", [{}, {"chunks": (3,), "compression": "gzip", "shuffle": True}])
def test_fields_are_added_to_a_compound_dataset(tmp_path, options):
    path = tmp_path / "a.h5"
    rows = np.zeros(N_ROWS, dtype=[("x", "f4"), ("label", h5py.string_dtype()), ("v", "f8", (3,))])
    rows["x"], rows["label"], rows["v"] = np.arange(N_ROWS), "abc", 1.5
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("Signal", data=rows, **options)
        dataset.attrs["note"] = "kept"
        file["Background"] = rows
    inject(path, tmp_path / "b.h5", "hdf5", dataset="Signal")
    with h5py.File(tmp_path / "b.h5") as file:
        assert sorted(file) == ["Background", "Signal"]
        assert file["Signal"].dtype.names == ("x", "label", "v", *ADDED)
        assert file["Signal"].attrs["note"] == "kept"
        assert file["Signal"].compression == options.get("compression")
        np.testing.assert_array_equal(file["Signal"]["v"], rows["v"])


def test_arrays_without_names_and_pandas_are_refused(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["plain"] = np.zeros((N_ROWS, 2))
        file["plain"].attrs["columns"] = ["a", "b"]
        group = file.create_group("frame")
        group.attrs["pandas_type"] = "frame"
    refuse(path, "hdf5", "it is a plain array, whose columns have no names", dataset="plain")
    reader = open_reader(path, dataset="plain")
    reader.table = "frame"
    with pytest.raises(DataError, match="it was written by pandas, whose layout takes no further columns"):
        open_injector(reader, tmp_path / "b.h5", file_format="hdf5", columns=ADDED)


# Parquet


@pytest.mark.parametrize("portions", [(7,), (1,) * 7, (3, 4)])
def test_columns_are_added_to_parquet(tmp_path, portions):
    table = pa.table(
        {
            "x": pa.array([1.0, None, float("nan"), 4.0, 5.0, 6.0, 7.0], pa.float32()),
            "jets": pa.array([[1.0], [], None, [2.0, float("nan")], [3.0], [4.0], [5.0]]),
            "label": pa.array(list("aabbcca")).dictionary_encode(),
        },
        metadata={"note": "kept"},
    )
    path = tmp_path / "a.parquet"
    pq.write_table(table, path, row_group_size=2, compression={"x": "gzip", "label": "none"})
    inject(path, tmp_path / "b.parquet", "parquet", portions)
    after = pq.ParquetFile(tmp_path / "b.parquet")
    assert after.schema_arrow.metadata[b"note"] == b"kept"
    assert after.schema_arrow.metadata[b"facts"] == b"text"
    assert after.schema_arrow.field("label").type == table.schema.field("label").type
    assert after.metadata.row_group(0).column(0).compression == "GZIP"
    assert after.read(["jets"]).to_pylist()[:3] == table.select(["jets"]).to_pylist()[:3]


# CSV


@pytest.mark.parametrize("is_packed", [False, True])
@pytest.mark.parametrize(
    ("head", "separator", "end"),
    [("x,n\n", ",", "\n"), ("# made by hand\n#x;n\n", ";", "\r\n"), ("x\tn\n", "\t", "\n"), ("", ",", "\n")],
)
def test_cells_are_added_to_csv(tmp_path, is_packed, head, separator, end):
    lines = [f"{i}.50{separator}{i}{end}" for i in range(N_ROWS)]
    lines[3] += end  # a blank line is no event
    text = (head + "".join(lines)).rstrip("\r\n").encode()
    path = tmp_path / ("a.csv.gz" if is_packed else "a.csv")
    path.write_bytes(gzip.compress(text) if is_packed else text)
    copy = tmp_path / path.name.replace("a", "b", 1)
    if head:
        inject(path, copy, "csv")
    else:
        reader = open_reader(path, column_names=["x", "n"])
        with open_injector(reader, copy, file_format="csv", columns=ADDED) as writer:
            writer.write(ROWS)
    content = (gzip.decompress(copy.read_bytes()) if is_packed else copy.read_bytes()).decode()
    found = content.splitlines()
    for before, after in zip(text.decode().splitlines(), found, strict=True):
        assert after.startswith(before)
    assert found[-1].split(separator)[:2] == ["6.50", "6"]
    assert float(found[-1].split(separator)[2]) == 1.0


def test_decimal_commas_stay(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("x;n\n" + "".join(f"{i},5;{i}\n" for i in range(N_ROWS)))
    inject(path, tmp_path / "b.csv", "csv")
    assert "." not in (tmp_path / "b.csv").read_text()


def test_formats_without_named_columns_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros(3))
    refuse(tmp_path / "a.npz", "npz", r"copies with more columns are made of root, hdf5, parquet, csv files")


# A program of its own: the limit counts for every file that a process writes, the log of the tests included.
SMALL_DISK = """
import resource, sys
from pathlib import Path
import numpy as np
from rapidity.core.errors import DataError
from rapidity.data.readers import open_reader
from rapidity.data.writers.injection import open_injector
from rapidity.data.writers.root import open_root_writer
source, copy, kind, n = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
rows = {"score": np.random.default_rng(1).random(n)}
# No file may grow beyond the source and 20 kB: the nearest thing to a full disk that a test may have.
limit = (source.stat().st_size if kind != "friend" else 0) + 20_000
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
writer = (
    open_root_writer(copy, columns={"score": "f8"}, table="t", layout=sys.argv[5])
    if kind == "friend"
    else open_injector(open_reader(source), copy, file_format=kind, columns={"score": "f8"})
)
try:
    with writer:
        writer.write(rows)
except DataError as error:
    sys.exit(str(error))
"""
N_MANY = 20_000


def run_on_small_disk(source, copy, *arguments):
    command = [sys.executable, "-c", SMALL_DISK, str(source), str(copy), *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert "cannot write" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(source.parent.iterdir()) == [source]


@pytest.mark.parametrize("kind", ["root", "hdf5", "parquet", "csv"])
def test_a_full_disk_leaves_no_copy(tmp_path, kind):
    x = np.random.default_rng(2).random(N_MANY)
    path = tmp_path / {"root": "a.root", "hdf5": "a.h5", "parquet": "a.parquet", "csv": "a.csv"}[kind]
    if kind == "root":
        with uproot.recreate(path) as file:
            file.mktree("t", {"x": "f8"}).extend({"x": x})
    elif kind == "hdf5":
        with h5py.File(path, "w") as file:
            file["events/x"] = x
    elif kind == "parquet":
        pq.write_table(pa.table({"x": x}), path)
    else:
        path.write_text("x,y\n" + "".join(f"{value},1\n" for value in x))
    run_on_small_disk(path, tmp_path / f"b{path.suffix}", kind, str(N_MANY))


@pytest.mark.parametrize("layout", ["tree", "rntuple"])
def test_a_full_disk_leaves_no_friend(tmp_path, layout):
    source = tmp_path / "a.csv"
    source.write_text("x\n")
    run_on_small_disk(source, tmp_path / "b.root", "friend", str(N_MANY), layout)
