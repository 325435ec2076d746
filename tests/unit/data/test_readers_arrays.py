"""Columns of arrays (images), asked for with a dtype that has a shape, in every format that holds them."""

from __future__ import annotations

import numpy as np
import pytest

from rapidity.core.errors import DataError
from rapidity.data.readers import open_reader

SHAPE = (4, 3)
IMAGES = np.random.default_rng(1).integers(0, 256, (7, *SHAPE), dtype=np.uint8)
LABELS = np.arange(7) % 2


def write_hdf5(path):
    import h5py

    with h5py.File(path, "w") as file:
        file["image"], file["label"] = IMAGES, LABELS
    return open_reader(path, dataset="/")


def write_compound_hdf5(path):
    import h5py

    rows = np.zeros(len(IMAGES), dtype=[("image", "u1", SHAPE), ("label", "i8")])
    rows["image"], rows["label"] = IMAGES, LABELS
    with h5py.File(path, "w") as file:
        file["events"] = rows
    return open_reader(path, dataset="events")


def write_npz(path):
    np.savez_compressed(path, image=IMAGES, label=LABELS)
    return open_reader(path)


def write_structured_npy(path):
    rows = np.zeros(len(IMAGES), dtype=[("image", "u1", SHAPE), ("label", "i8")])
    rows["image"], rows["label"] = IMAGES, LABELS
    np.save(path, rows)
    return open_reader(path)


def write_parquet(path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    flat = pa.array(IMAGES.ravel())
    rows = pa.FixedSizeListArray.from_arrays(flat, SHAPE[1])
    images = pa.FixedSizeListArray.from_arrays(rows, SHAPE[0])
    pq.write_table(pa.table({"image": images, "label": LABELS}), path)
    return open_reader(path)


def write_tree(path):
    import uproot

    columns = {"image": IMAGES, "label": LABELS}
    with uproot.recreate(path) as file:
        types = {name: np.dtype((values.dtype, values.shape[1:])) for name, values in columns.items()}
        file.mktree("events", types).extend(columns)
    return open_reader(path)


def write_ntuple(path):
    import uproot

    with uproot.recreate(path) as file:
        file.mkrntuple("events", {"image": IMAGES, "label": LABELS})
    return open_reader(path)


FORMATS = {
    "a.h5": write_hdf5,
    "compound.h5": write_compound_hdf5,
    "a.npz": write_npz,
    "a.npy": write_structured_npy,
    "a.parquet": write_parquet,
    "tree.root": write_tree,
    "ntuple.root": write_ntuple,
}


@pytest.fixture(params=FORMATS)
def reader(request, tmp_path):
    """Return a reader of seven images and labels, in one format after the other."""
    return FORMATS[request.param](tmp_path / request.param)


@pytest.mark.parametrize("chunk_size", [2, 100])
def test_images_come_as_they_are_stored(reader, chunk_size):
    info = reader.columns["image"]
    assert (info.kind, info.shape, info.dtype) == ("array", SHAPE, "uint8")
    wanted = {"label": np.int64, "image": np.dtype((np.uint8, SHAPE))}
    chunks = list(reader.read(wanted, chunk_size))
    assert {chunk["image"].dtype for chunk in chunks} == {np.dtype(np.uint8)}
    np.testing.assert_array_equal(np.concatenate([chunk["image"] for chunk in chunks]), IMAGES)
    np.testing.assert_array_equal(np.concatenate([chunk["label"] for chunk in chunks]), LABELS)


def test_images_come_in_another_type_if_asked(reader):
    (chunk,) = reader.read({"image": np.dtype((np.float32, SHAPE))})
    assert chunk["image"].dtype == np.float32
    np.testing.assert_array_equal(chunk["image"], IMAGES)


def test_another_shape_is_refused(reader):
    with pytest.raises(DataError, match=r"column 'image' of .* expected an array of shape \(3, 4\)"):
        reader.read({"image": np.dtype((np.uint8, (3, 4)))})


def test_one_number_an_event_is_no_array(reader):
    with pytest.raises(DataError, match=r"column 'label' of .* expected an array of shape \(4, 3\)"):
        reader.read({"label": np.dtype((np.uint8, SHAPE))})


@pytest.mark.parametrize("bad", [-1.0, 0.5, 256.0, np.nan])
def test_numbers_that_do_not_fit_are_refused_with_their_entry(tmp_path, bad):
    images = IMAGES.astype(np.float64)
    images[5, 1, 2] = bad
    np.savez(tmp_path / "a.npz", image=images, label=LABELS)
    reader = open_reader(tmp_path / "a.npz")
    with pytest.raises(DataError, match=rf"column 'image' of .*, entry 5: found {bad}, expected whole "
                       "numbers that fit into uint8"):  # fmt: skip
        list(reader.read({"image": np.dtype((np.uint8, SHAPE))}, 2))


def test_truth_values_are_zero_and_one_and_half_precision_is_widened(tmp_path):
    np.savez(tmp_path / "a.npz", hit=IMAGES > 100, energy=IMAGES.astype(np.float16))
    reader = open_reader(tmp_path / "a.npz")
    assert [reader.columns[name].dtype for name in ("hit", "energy")] == ["uint8", "float32"]
    (chunk,) = reader.read({"hit": np.dtype((np.uint8, SHAPE)), "energy": np.dtype((np.float32, SHAPE))})
    np.testing.assert_array_equal(chunk["hit"], IMAGES > 100)
    np.testing.assert_array_equal(chunk["energy"], IMAGES)


def test_one_array_without_a_name_gets_one(tmp_path):
    np.save(tmp_path / "photons.npy", IMAGES)
    reader = open_reader(tmp_path / "photons.npy", column_names=["image"])
    assert reader.columns["image"].shape == SHAPE
    (chunk,) = reader.read({"image": np.dtype((np.uint8, SHAPE))})
    np.testing.assert_array_equal(chunk["image"], IMAGES)


def test_a_missing_array_in_parquet_is_refused(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    images = pa.array([[1, 2], None, [3, 4]], pa.list_(pa.uint8(), 2))
    pq.write_table(pa.table({"image": images}), tmp_path / "a.parquet")
    reader = open_reader(tmp_path / "a.parquet")
    with pytest.raises(
        DataError, match=r"a.parquet, entry 1: found a list that is missing, expected numbers "
    ):
        list(reader.read({"image": np.dtype((np.uint8, (2,)))}))


def test_text_inside_arrays_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", word=np.full((3, 2, 2), "x"), label=np.arange(3))
    with pytest.raises(DataError, match=r"column 'word' of .* holds text\[2, 2\], expected an array"):
        open_reader(tmp_path / "a.npz").read({"word": np.dtype((np.uint8, (2, 2)))})
