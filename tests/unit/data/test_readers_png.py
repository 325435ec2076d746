"""Folders and lists of PNG pictures."""

from __future__ import annotations

import re
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from rapidity.core.errors import DataError
from rapidity.data.inspection import format_summary, inspect_file
from rapidity.data.readers import find_files, open_reader
from rapidity.workflow.starter import make_starter

SHAPE = (6, 5)


@pytest.fixture
def save(tmp_path, rng):
    """Return a writer of a picture of random pixels: its name, mode and shape; the pixels come back."""

    def write(name, mode="RGB", shape=SHAPE):
        channels = {"L": (), "LA": (2,), "RGB": (3,), "RGBA": (4,), "I;16": ()}[mode]
        dtype = np.uint16 if mode == "I;16" else np.uint8
        pixels = rng.integers(0, np.iinfo(dtype).max, (*shape, *channels), dtype, endpoint=True)
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / name)
        return pixels

    return write


@pytest.fixture
def folder(save, tmp_path):
    """Return the folder of three cats and two dogs, and their pixels in the order of the entries."""
    names = [f"cat/{number}.png" for number in range(3)] + [f"dog/{number}.png" for number in range(2)]
    return tmp_path, np.stack([save(name) for name in names])


def read(reader, chunk_size=2, entries=None):
    info = reader.columns["image"]
    wanted = {"image": np.dtype((info.dtype, info.shape))}
    return np.concatenate([chunk["image"] for chunk in reader.read(wanted, chunk_size, entries)])


def test_the_folder_of_a_picture_is_its_class(folder):
    path, pixels = folder
    reader = open_reader(path)
    assert reader.n_entries == 5
    assert {name: info.kind for name, info in reader.columns.items()} == {
        "image": "array", "class": "text", "file": "text",
    }  # fmt: skip
    np.testing.assert_array_equal(read(reader), pixels)
    np.testing.assert_array_equal(read(reader, entries=(1, 4)), pixels[1:4])
    (chunk,) = reader.read({"class": object, "file": object})
    assert chunk["class"].tolist() == ["cat"] * 3 + ["dog"] * 2
    assert chunk["file"][3] == "dog/0.png"


def test_pictures_in_one_folder_have_no_class(folder):
    path, pixels = folder
    reader = open_reader(path / "dog")
    assert list(reader.columns) == ["image", "file"]
    np.testing.assert_array_equal(read(reader), pixels[3:])


def test_folders_of_pictures_count_as_files(folder):
    path, _ = folder
    assert find_files(["cat", "dog"], path) == [path / "cat", path / "dog"]
    assert find_files("*", path) == [path / "cat", path / "dog"]
    (path / "empty").mkdir()
    with pytest.raises(DataError, match="is a folder, not a file; it holds: nothing"):
        find_files("empty", path)


@pytest.mark.parametrize(
    ("mode", "dtype"), [("L", "uint8"), ("LA", "uint8"), ("RGBA", "uint8"), ("I;16", "uint16")]
)
def test_kinds_of_pictures(save, tmp_path, mode, dtype):
    pixels = save("a.png", mode)
    reader = open_reader(tmp_path)
    assert reader.columns["image"].dtype == dtype
    np.testing.assert_array_equal(read(reader)[0], pixels)


def test_a_single_picture_is_no_table(folder):
    path, _ = folder
    with pytest.raises(
        DataError, match=r"0.png is a PNG picture. Readable are: .*, and folders of PNG pictures"
    ):
        open_reader(path / "cat" / "0.png")


def test_a_bit_a_pixel_is_black_or_white(tmp_path):
    Image.fromarray(np.eye(4) > 0).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read(open_reader(tmp_path))[0], 255 * np.eye(4))


def test_a_palette_is_refused(tmp_path):
    Image.fromarray(np.zeros(SHAPE, np.uint8)).convert("P").save(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"picture .*a.png has 6 x 5 pixels .*palette of 8 bits, which is not "
                       "read: expected grey of up to 16 bits, or RGB of 8"):  # fmt: skip
        open_reader(tmp_path)


def test_colours_of_16_bits_are_refused_before_they_lose_digits(save, tmp_path):
    save("a.png")
    content = bytearray((tmp_path / "a.png").read_bytes())
    content[24] = 16
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    (tmp_path / "a.png").write_bytes(bytes(content))
    with pytest.raises(DataError, match="RGB of 16 bits, which is not read"):
        open_reader(tmp_path)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            lambda path: path.write_bytes(path.read_bytes()[:90]),
            r"1.png is damaged: .*Copy or write it again",
        ),
        (lambda path: path.write_bytes(b""), r"1.png is no PNG picture: it begins with b''"),
        (
            lambda path: path.write_bytes(b"GIF89a" + bytes(90)),
            r"1.png is no PNG picture: it begins with b'GIF89a",
        ),
    ],
)
def test_a_broken_picture_is_named(folder, change, expected):
    path, _ = folder
    change(path / "dog" / "1.png")
    with pytest.raises(DataError, match=expected):
        read(open_reader(path))


@pytest.mark.parametrize(("mode", "shape"), [("RGB", (6, 6)), ("L", SHAPE), ("RGBA", SHAPE)])
def test_a_picture_of_another_kind_is_named(folder, save, mode, shape):
    path, _ = folder
    save("cat/2.png", mode, shape)
    colours = "grey" if mode == "L" else mode
    found = rf"picture .*cat/2.png has 6 x {shape[1]} pixels \(height x width\), {colours} of"
    with pytest.raises(DataError, match=found + ".*but the first one 6 x 5 pixels .*need one size"):
        read(open_reader(path))


@pytest.fixture
def listed(folder):
    """Return a CSV list of the pictures, dogs first, and their pixels in its order."""
    path, pixels = folder
    names = ["dog/0.png", "dog/1.png", "cat/0.png", "cat/1.png", "cat/2.png"]
    rows = "".join(f"{name},{name[:3]},{number}.5\n" for number, name in enumerate(names))
    (path / "list.csv").write_text("path,label,energy\n" + rows)
    return path / "list.csv", pixels[[3, 4, 0, 1, 2]]


@pytest.mark.parametrize("chunk_size", [1, 2, 100])
def test_a_list_names_pictures_and_their_labels(listed, chunk_size):
    path, pixels = listed
    reader = open_reader(path)
    assert list(reader.columns) == ["path", "label", "energy", "image"]
    np.testing.assert_array_equal(read(reader, chunk_size), pixels)
    np.testing.assert_array_equal(read(reader, chunk_size, (1, 4)), pixels[1:4])
    info = reader.columns["image"]
    chunks = list(reader.read({"label": object, "image": np.dtype((info.dtype, info.shape))}, chunk_size))
    assert [name for chunk in chunks for name in chunk["label"]] == ["dog"] * 2 + ["cat"] * 3
    (chunk,) = reader.read({"energy": np.float32})
    assert chunk["energy"].tolist() == [0.5, 1.5, 2.5, 3.5, 4.5]


def test_a_list_with_a_column_called_image_names_its_pixels_otherwise(listed):
    path, pixels = listed
    path.write_text(path.read_text().replace("path,label", "image,label"))
    info = open_reader(path).columns["pixels"]
    (chunk,) = open_reader(path).read({"pixels": np.dtype((info.dtype, info.shape))})
    np.testing.assert_array_equal(chunk["pixels"], pixels)


@pytest.mark.parametrize("line", [1, 4])
def test_a_picture_that_is_not_there_is_named(listed, line):
    path, _ = listed
    lines = path.read_text().splitlines()
    lines[line] = "cow/9.png,dog,1"
    path.write_text("\n".join(lines))
    with pytest.raises(
        DataError, match=r"list.csv names the picture cow/9.png, but there is no file .*9.png"
    ):
        read(open_reader(path))


def test_a_row_without_a_picture_is_named(listed):
    path, _ = listed
    path.write_text(path.read_text().replace("cat/1.png", ""))
    with pytest.raises(
        DataError, match=r"column 'path' of .*list.csv, line 5: found no value, expected the name"
    ):
        read(open_reader(path))


def test_inspecting_a_folder_shows_classes_and_pixels(folder):
    text = format_summary(inspect_file(folder[0]))
    assert "image   6 x 5 pixels (height x width), RGB of 8 bits" in text
    assert re.search(r"cat +3 +60.0%", text)


def test_a_starter_configuration_learns_the_folders(folder):
    starter = make_starter([folder[0]])
    assert starter.findings.classes.counts == {"cat": 3, "dog": 2}
    assert "kind: image" in starter.text
    assert "target: class" in starter.text


def test_a_starter_configuration_knows_channels_that_come_first(tmp_path):
    pixels = np.zeros((20, 3, 16, 16), np.float32)
    np.savez(tmp_path / "a.npz", jet=pixels + np.arange(20)[:, None, None, None], y=np.arange(20) % 2)
    assert "column: jet, channels_first: true}" in make_starter([tmp_path / "a.npz"]).text
