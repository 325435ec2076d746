from __future__ import annotations

import numpy as np
import pytest
import uproot

from rapidity.core.errors import DataError
from rapidity.core.jagged import JaggedType
from rapidity.data.readers import open_reader

N_EVENTS = 500


def _write(path, compression, **columns):
    with uproot.recreate(path, compression=compression) as file:
        file.mktree("events", {name: values.dtype for name, values in columns.items()})
        file["events"].extend(columns)
    return path


def _read(path, **types):
    chunks = list(open_reader(path).read(types, 64))
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in types}


@pytest.mark.parametrize(
    "compression",
    [None, uproot.ZLIB(1), uproot.LZ4(1), uproot.ZSTD(1), uproot.LZMA(1)],
    ids=["none", "zlib", "lz4", "zstd", "lzma"],
)
def test_baskets_of_every_compression_are_read(tmp_path, compression):
    x = np.arange(N_EVENTS, dtype=np.float32) % 7
    path = _write(tmp_path / "a.root", compression, x=x)
    assert np.array_equal(_read(path, x=np.float32)["x"], x)


def test_baskets_of_several_compressed_blocks_are_read(tmp_path):
    """A block holds less than 16 MiB."""
    x = np.arange(2**22 + 1000, dtype=np.float32) % 5
    path = _write(tmp_path / "a.root", uproot.ZLIB(1), x=x)
    (chunk,) = open_reader(path).read({"x": np.float32}, len(x))
    assert np.array_equal(chunk["x"], x)


def test_lists_compressed_with_zlib_keep_their_lengths(tmp_path):
    import awkward as ak

    lists = ak.Array([[1.0, 2.0], [], [3.0]] * 100)
    with uproot.recreate(tmp_path / "a.root", compression=uproot.ZLIB(1)) as file:
        file["events"] = {"pt": lists}
    (chunk,) = open_reader(tmp_path / "a.root").read({"pt": JaggedType.of(np.float64)}, 1000)
    assert np.diff(chunk["pt"].offsets).tolist() == [2, 0, 1] * 100
    assert chunk["pt"].content.tolist() == [1.0, 2.0, 3.0] * 100


@pytest.mark.parametrize("compression", [uproot.ZLIB(1), uproot.LZ4(1)], ids=["zlib", "lz4"])
def test_a_basket_with_wrong_bytes_names_branch_and_entries(tmp_path, compression):
    path = _write(tmp_path / "a.root", compression, x=np.arange(N_EVENTS, dtype=np.float32) % 7)
    place = _end_of_basket(path) - 20
    content = bytearray(path.read_bytes())
    content[place : place + 8] = bytes(255 - byte for byte in content[place : place + 8])
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"branch 'x', entries 0 to 63, of .* the file seems to be damaged"):
        _read(path, x=np.float32)


def _end_of_basket(path):
    with uproot.open(path) as file:
        branch = file["events"]["x"]
        return int(branch.member("fBasketSeek")[0]) + int(branch.basket_compressed_bytes(0))
