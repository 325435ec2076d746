"""Whole conversions of small files: what is in the output, in every format."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from rapidity.core.errors import DataError
from rapidity.core.jagged import JaggedType
from rapidity.data.conversion import looking
from rapidity.data.readers import open_reader

JETS = {"columns": ["jet_pt", "jet_eta"], "n_objects": 4}


def test_columns_are_those_of_the_file(convert, root_file, events, read_hdf5, padded):
    summary = convert(root_file)
    found = read_hdf5("out.h5")
    for name in ("event", "met", "weight", "n_vertices", "is_good"):
        np.testing.assert_array_equal(found[name], events[name])
        assert found[name].dtype == {"n_vertices": np.int64}.get(name, events[name].dtype)
    width = max(map(len, events["jet_pt"]))
    for name in ("jet_pt", "jet_eta", "jet_phi", "jet_mass"):
        np.testing.assert_array_equal(found[name], padded(events, name, width))
    assert found["n_jet"].tolist() == [len(values) for values in events["jet_pt"]]
    assert found["source_entry"].tolist() == list(range(60))
    assert set(found["source_file"]) == {0}
    assert "class" not in found
    assert "event_weight" not in found
    assert (summary.n_read, summary.n_written) == (60, 60)


def test_columnar_hdf5_has_the_agreed_attributes(convert, root_file, tmp_path):
    convert(
        {"path": str(root_file), "class": "signal"},
        columns=["met", {"name": "met_gev", "expression": "met / 1000", "unit": "GeV"}],
        collections={"jets": JETS},
    )
    with h5py.File(tmp_path / "out.h5") as file:
        group = file["events"]
        assert group.attrs["rapidity_format"] == 1
        assert dict(group["met"].attrs) == {"source_branch": "met"}
        assert dict(group["met_gev"].attrs) == {"unit": "GeV", "expression": "met / 1000"}
        assert group["jet_pt"].attrs["collection"] == "jets"
        assert group["jet_pt"].shape == (60, 4)
        assert group["n_jets"].dtype == np.int32
        assert group["class"].attrs["names"].tolist() == ["signal"]
        assert group["source_file"].attrs["names"].tolist() == [str(root_file)]
        assert group["met"].chunks is None


def test_readers_take_padded_objects_for_jagged_columns_again(convert, root_file, events, tmp_path):
    convert(root_file, collections={"jet": {"order_by": "file"}})
    reader = open_reader(tmp_path / "out.h5")
    assert reader.columns["jet_pt"].kind == "jagged"
    assert reader.columns["source_file"].kind == "text"
    chunk = next(reader.read({"jet_pt": JaggedType.of("f4"), "source_file": object}))
    np.testing.assert_array_equal(chunk["jet_pt"].content, np.concatenate(events["jet_pt"]))
    assert chunk["source_file"][0] == str(root_file)


def test_parquet_keeps_lists(convert, root_file, events, tmp_path, read_metadata):
    convert({"path": str(root_file), "class": "signal"}, "out.parquet", collections={"jet": {"n_objects": 2}})
    table = pq.read_table(tmp_path / "out.parquet")
    expected = [sorted(values.tolist(), reverse=True)[:2] for values in events["jet_pt"]]
    assert table["jet_pt"].to_pylist() == expected
    assert table["class"].to_pylist() == ["signal"] * 60
    assert table.schema.field("jet_pt").metadata[b"collection"] == b"jet"
    assert read_metadata("out.parquet")["n_written"] == 60


def test_compound_layout_has_a_dataset_a_class(convert, write_root, make_events, tmp_path, padded):
    first, second = make_events(30), make_events(20, seed=2)
    sources = [
        {"path": str(write_root("a.root", first)), "class": "Signal"},
        {"path": str(write_root("b.root", second)), "class": "Background"},
    ]
    convert(sources, layout="compound", columns=["met"], collections={"jet": JETS})
    with h5py.File(tmp_path / "out.h5") as file:
        assert set(file) == {"Signal", "Background"}
        np.testing.assert_array_equal(file["Signal"]["jet_pt"], padded(first, "jet_pt", 4))
        np.testing.assert_array_equal(file["Background"]["met"], second["met"])
        assert file["Background"].dtype["jet_eta"].shape == (4,)
        assert json.loads(file.attrs["metadata"])["n_written"] == 50


def test_pandas_layout_is_read_by_pandas(convert, root_file, events, tmp_path, padded):
    convert(
        {"path": str(root_file), "class": "signal"},
        layout="pandas", columns=["met", "is_good", "event"], collections={"jet": JETS},
    )  # fmt: skip
    frame = pd.read_hdf(tmp_path / "out.h5", "events")
    np.testing.assert_array_equal(frame["jet_pt_1"], padded(events, "jet_pt", 4)[:, 1])
    np.testing.assert_array_equal(frame["met"], events["met"])
    np.testing.assert_array_equal(frame["is_good"], events["is_good"])
    assert frame.index.tolist() == list(range(60))


@pytest.mark.parametrize("compression", ["none", "gzip", "lzf"])
def test_compression_changes_nothing_but_the_size(
    convert, root_file, events, tmp_path, compression, read_hdf5
):
    convert(root_file, compression=compression)
    np.testing.assert_array_equal(read_hdf5("out.h5")["met"], events["met"])
    with h5py.File(tmp_path / "out.h5") as file:
        assert file["events/met"].compression == (None if compression == "none" else compression)


@pytest.mark.parametrize("suffix", ["csv", "parquet", "h5"])
def test_other_formats_are_read_too(convert, root_file, events, tmp_path, suffix, read_hdf5, padded):
    if suffix == "csv":
        frame = pd.DataFrame({name: events[name] for name in ("event", "met", "weight")})
        frame.to_csv(tmp_path / "in.csv", index=False)
    else:
        convert(root_file, f"in.{suffix}")
    convert(tmp_path / f"in.{suffix}")
    found = read_hdf5("out.h5")
    np.testing.assert_allclose(found["met"], events["met"], rtol=1e-6)
    assert found["event"].dtype == np.int64
    if suffix != "csv":
        np.testing.assert_array_equal(found["jet_pt"], padded(events, "jet_pt", found["jet_pt"].shape[1]))
        assert found["source_entry"].tolist() == list(range(60))


def test_names_globs_and_expressions(convert, root_file, events, read_hdf5):
    convert(
        root_file,
        columns=[
            "met", "jet_p[t]", {"ht": "sum(jet_pt) / 1000"}, {"jet_pt_gev": "jet_pt / 1000"},
            "n_hard = count(jet_pt > 30000)", {"leading": "jet_pt[0]"}, {"is_hard": "met > 30000"},
        ],
    )  # fmt: skip
    found = read_hdf5("out.h5")
    assert set(found) == {
        "met", "jet_pt", "jet_pt_gev", "ht", "n_hard", "leading", "is_hard", "n_jet", "source_file",
        "source_entry",
    }  # fmt: skip
    assert found["ht"].dtype == np.float32
    np.testing.assert_allclose(found["ht"], [values.sum() / 1000 for values in events["jet_pt"]], rtol=1e-5)
    np.testing.assert_allclose(found["jet_pt_gev"], found["jet_pt"] / 1000, rtol=1e-6)
    assert found["n_hard"].tolist() == [int((values > 30000).sum()) for values in events["jet_pt"]]
    assert found["n_hard"].dtype == np.int64
    assert found["is_hard"].dtype == bool
    assert np.isnan(found["leading"]).sum() == sum(len(values) == 0 for values in events["jet_pt"])


def test_types_can_be_chosen(convert, root_file, events, read_hdf5):
    convert(
        root_file,
        columns=[
            {"name": "met", "type": "float64"},
            {"name": "n_vertices", "type": "int32"},
            {"x": "weight * 2"},
        ],
    )
    found = read_hdf5("out.h5")
    assert (found["met"].dtype, found["n_vertices"].dtype, found["x"].dtype) == (
        np.float64,
        np.int32,
        np.float64,
    )


def test_excluded_columns_are_left_out(convert, root_file, read_hdf5):
    convert(root_file, exclude=["*jet_*", "weight"])
    assert set(read_hdf5("out.h5")) == {
        "event", "met", "n_vertices", "is_good", "source_file", "source_entry",
    }  # fmt: skip


def test_the_event_key_is_written_as_int64(convert, root_file, events, read_hdf5):
    convert(root_file, columns=["met"], event_key=["event", "n_vertices"])
    found = read_hdf5("out.h5")
    assert found["event"].tolist() == events["event"].tolist()
    assert found["n_vertices"].dtype == np.int64


def test_the_selection_keeps_row_identity(convert, root_file, events, read_hdf5):
    summary = convert(root_file, selection="met > 20000 and count(jet_pt > 30000) >= 1", columns=["met"])
    found = read_hdf5("out.h5")
    is_kept = (events["met"] > 20000) & np.array([(values > 30000).any() for values in events["jet_pt"]])
    assert found["source_entry"].tolist() == np.flatnonzero(is_kept).tolist()
    np.testing.assert_array_equal(found["met"], events["met"][is_kept])
    assert (summary.files[0].n_read, summary.files[0].n_selected) == (60, int(is_kept.sum()))


def test_objects_of_data_objects_name_collections(convert, root_file, events, read_hdf5):
    objects = {"jets": {"pt": "jet_pt", "eta": "jet_eta", "phi": "jet_phi", "mass": "jet_mass"}}
    convert(root_file, objects=objects, columns=["jet_pt", {"m": "mass(jets[0], jets[1])"}], n_objects=3)
    found = read_hdf5("out.h5")
    assert found["jet_pt"].shape == (60, 3)
    assert "n_jets" in found
    assert np.isnan(found["m"]).sum() == sum(len(values) < 2 for values in events["jet_pt"])


def test_fixed_arrays_stay_arrays(convert, tmp_path, read_hdf5):
    np.savez(tmp_path / "in.npz", image=np.arange(24, dtype=np.uint8).reshape(4, 2, 3), x=np.arange(4.0))
    convert(tmp_path / "in.npz")
    assert read_hdf5("out.h5")["image"].shape == (4, 2, 3)
    convert(tmp_path / "in.npz", "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet")["image"].to_pylist()[1] == [[6, 7, 8], [9, 10, 11]]
    convert(tmp_path / "in.npz", "pandas.h5", layout="pandas")
    assert pd.read_hdf(tmp_path / "pandas.h5", "events")["image_1_2"].tolist() == [5, 11, 17, 23]


def test_unsigned_64_bit_numbers_stay_exact(convert, tmp_path, read_hdf5):
    with h5py.File(tmp_path / "in.h5", "w") as file:
        file["x"] = np.array([2**64 - 1, 5], np.uint64)
    with pytest.raises(DataError, match="fits into int64"):
        convert(tmp_path / "in.h5", event_key=["x"])
    convert(tmp_path / "in.h5")
    assert read_hdf5("out.h5")["x"].tolist() == [2**64 - 1, 5]


def test_chunks_and_parts_change_nothing(convert, write_root, make_events, monkeypatch, read_hdf5):
    events = make_events(500)
    path = write_root("a.root", events, basket=50)
    keys = {"selection": "met > 20000", "collections": {"jet": {"n_objects": 3}}}
    convert(path, "whole.h5", **keys)
    monkeypatch.setattr(looking, "PART_BYTES", 1)
    monkeypatch.setattr(looking, "FEWEST_ENTRIES", 70)
    summary = convert(path, "parts.h5", chunk_size=30, **keys)
    assert summary.n_parts == 5
    whole, parts = read_hdf5("whole.h5"), read_hdf5("parts.h5")
    assert whole.keys() == parts.keys()
    for name, values in whole.items():
        np.testing.assert_array_equal(parts[name], values)
