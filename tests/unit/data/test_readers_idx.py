"""IDX files, the format of MNIST."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from rapidity.core.errors import DataError
from rapidity.data.readers import list_tables, open_reader
from rapidity.data.readers.opening import find_format

IMAGES = np.arange(3 * 4 * 2, dtype=np.uint8).reshape(3, 4, 2)


def read_column(path, chunk_size=2, **options):
    """Return all values of the only column, in the type of the file."""
    reader = open_reader(path, **options)
    ((name, info),) = reader.columns.items()
    dtype = np.dtype((info.dtype, info.shape)) if info.shape else np.float64
    return np.concatenate([chunk[name] for chunk in reader.read({name: dtype}, chunk_size)])


@pytest.mark.parametrize(
    "name",
    ["a.idx", "a.idx.gz", "a.idx3-ubyte", "a.idx3-ubyte.gz", "a-idx3-ubyte", "a-idx3-ubyte.gz", "a-ubyte"],
)
def test_images_under_all_names(write_idx, name):
    path = write_idx(name, IMAGES)
    assert find_format(path).title == "IDX"
    info = open_reader(path).columns["image"]
    assert (info.kind, info.shape, info.dtype, info.type_name) == ("array", (4, 2), "uint8", "uint8[4, 2]")
    found = read_column(path)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, IMAGES)
    assert list_tables(path)[0].n_entries == 3


def test_is_found_by_its_content_whatever_its_name(write_idx):
    np.testing.assert_array_equal(read_column(write_idx("digits", IMAGES)), IMAGES)


@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "i4", "f4", "f8"])
def test_all_types_come_back_as_they_were(write_idx, dtype):
    values = np.array([[[1, -2]], [[100, 0]]]).astype(dtype)
    found = read_column(write_idx("a.idx", values))
    assert found.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(found, values)


def test_labels_are_one_whole_number_an_event(write_idx):
    reader = open_reader(write_idx("train-labels-idx1-ubyte.gz", np.array([7, 200, 3], np.uint8)))
    assert reader.columns["label"].kind == "integer"
    (chunk,) = reader.read({"label": np.int64})
    assert chunk["label"].tolist() == [7, 200, 3]


def test_rows_of_numbers_may_be_named(write_idx):
    path = write_idx("a.idx", np.array([[1.5, 2.0], [3.0, 4.0]], np.float32))
    assert open_reader(path).columns["values"].kind == "array"
    (chunk,) = open_reader(path, column_names=["pt", "eta"]).read({"eta": np.float32})
    assert chunk["eta"].tolist() == [2.0, 4.0]


def test_images_of_several_channels(write_idx):
    values = np.arange(2 * 3 * 3 * 2, dtype=np.uint8).reshape(2, 3, 3, 2)
    assert read_column(write_idx("a.idx", values)).shape == (2, 3, 3, 2)


def test_no_events_are_no_error(write_idx):
    assert read_column(write_idx("a.idx", IMAGES[:0])).shape == (0, 4, 2)


def test_wrong_magic_number_names_file_found_and_expected(tmp_path):
    path = tmp_path / "images-idx3-ubyte"
    path.write_bytes(bytes([3, 8, 0, 0]) * 10)
    with pytest.raises(DataError, match=r"images-idx3-ubyte is not an IDX file: found the magic number "
                       r"0x03080000, expected two zero bytes.*such as 0x00000803 .*again"):  # fmt: skip
        open_reader(path)


def test_unknown_type_lists_the_known_ones(tmp_path):
    path = tmp_path / "a.idx"
    path.write_bytes(bytes([0, 0, 7, 1, 0, 0, 0, 1, 5]))
    with pytest.raises(DataError, match=r"a.idx is an IDX file of values of an unknown type: found the code "
                       r"0x07 .*0x00000701, expected one of 0x08 \(uint8\), 0x09 \(int8\)"):  # fmt: skip
        open_reader(path)


def test_a_web_page_under_such_a_name_is_called_one(tmp_path):
    path = tmp_path / "images-idx3-ubyte"
    path.write_text("<!DOCTYPE html><html>not found</html>")
    with pytest.raises(DataError, match="found a web page, expected IDX"):
        open_reader(path)


@pytest.mark.parametrize("name", ["a.idx", "a.idx.gz"])
def test_truncated_values_are_refused(write_idx, name):
    path = write_idx(name, IMAGES, change=lambda content: content[:-1])
    with pytest.raises(DataError, match=r"a.idx.* is truncated: found 23 bytes of values, expected 24 for "
                       r"the shape \(3, 4, 2\) in its header. Copy or download it again"):  # fmt: skip
        read_column(path)


def test_truncated_header_is_refused(write_idx):
    path = write_idx("a.idx", IMAGES, change=lambda content: content[:9])
    with pytest.raises(DataError, match="is truncated: found 5 of the 12 bytes that give the lengths"):
        open_reader(path)


@pytest.mark.parametrize("name", ["a.idx", "a.idx.gz"])
def test_more_bytes_than_the_header_says_are_refused(write_idx, name):
    path = write_idx(name, IMAGES, change=lambda content: content + b"\1")
    with pytest.raises(DataError, match=r"is too long: found bytes after the 24 bytes of values"):
        read_column(path)


def test_truncated_gzip_is_refused(write_idx):
    values = np.random.default_rng(1).integers(0, 256, (50, 28, 28), dtype=np.uint8)
    path = write_idx("a.idx.gz", values)
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(DataError, match=r"a.idx.gz is truncated: the compressed data end in the middle"):
        read_column(path)


def test_damaged_gzip_is_refused(write_idx):
    path = write_idx("a.idx.gz", np.zeros((50, 28, 28), np.uint8))
    content = bytearray(path.read_bytes())
    content[-6] ^= 1  # in the check sum
    path.write_bytes(bytes(content))
    with pytest.raises(DataError, match=r"a.idx.gz cannot be decompressed \(CRC check failed"):
        read_column(path)


def test_reading_stops_at_a_limit_without_looking_at_the_rest(write_idx):
    path = write_idx("a.idx", IMAGES, change=lambda content: content[:-1])
    chunks = open_reader(path).read({"image": np.dtype((np.uint8, (4, 2)))}, 1)
    np.testing.assert_array_equal(next(chunks)["image"], IMAGES[:1])


def test_another_shape_than_asked_for_is_refused(write_idx):
    reader = open_reader(write_idx("a.idx", IMAGES))
    with pytest.raises(DataError, match=r"column 'image' of .* holds uint8\[4, 2\], expected an array of "
                       r"shape \(28, 28\) per event"):  # fmt: skip
        reader.read({"image": np.dtype((np.uint8, (28, 28)))})


def test_one_number_an_event_is_not_what_an_image_is(write_idx):
    with pytest.raises(DataError, match="images belong to an input of `kind: image`"):
        open_reader(write_idx("a.idx", IMAGES)).read({"image": np.float32})


def test_gzip_is_unpacked_but_named_in_the_message_of_other_formats(tmp_path):
    path = tmp_path / "a.npy.gz"
    path.write_bytes(gzip.compress(b"\x93NUMPY\x01\x00v\x00"))
    with pytest.raises(DataError, match=r"is a gzipped NumPy \(npy\) file. Unpack it first"):
        open_reader(path)
