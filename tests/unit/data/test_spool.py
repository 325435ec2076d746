"""Columns that go to disk when memory is not enough."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from rapidity.core.errors import DataError
from rapidity.core.jagged import Jagged
from rapidity.data import spool as spool_module
from rapidity.data.disk_array import DiskArray
from rapidity.data.growing_jagged import GrowingJagged
from rapidity.data.spool import Spool

KINDS = [np.float32, np.int8, np.dtype((np.uint8, (4, 5)))]


def collect(spool: Spool, dtype: Any, n_chunks: int = 6, size: int = 100) -> tuple[Any, np.ndarray]:
    rng = np.random.default_rng(1)
    base = np.dtype(dtype)
    chunks = [rng.integers(0, 100, (size, *base.shape)).astype(base.base) for _ in range(n_chunks)]
    growing = spool.make_array(dtype)
    for chunk in chunks:
        growing.append(chunk)
    return growing.finish(), np.concatenate(chunks)


@pytest.mark.parametrize("dtype", KINDS, ids=str)
@pytest.mark.parametrize("memory", [1, 250, 10**9])
def test_values_are_the_same_on_disk_and_in_memory(tmp_path: Path, dtype: Any, memory: int) -> None:
    spool = Spool(tmp_path, memory)
    values, expected = collect(spool, dtype)
    assert spool.is_on_disk == isinstance(values, DiskArray) == (memory < 10**9)
    assert (values.dtype, values.shape) == (expected.dtype, expected.shape)
    np.testing.assert_array_equal(values, expected)


def test_all_arrays_of_a_spool_go_to_disk_together(tmp_path: Path) -> None:
    spool = Spool(tmp_path, memory=1000)
    small, large = spool.make_array(np.int8), spool.make_array(np.float64)
    small.append(np.arange(10))
    assert not spool.is_on_disk
    large.append(np.arange(200.0))
    small.append(np.arange(10))
    assert spool.is_on_disk
    np.testing.assert_array_equal(small.finish(), np.tile(np.arange(10), 2))
    np.testing.assert_array_equal(large.finish(), np.arange(200.0))


def test_room_for_what_comes_later_is_kept(tmp_path: Path) -> None:
    spool = Spool(tmp_path, memory=1000)
    spool.make_array(np.int8).append(np.zeros(600))
    spool.reserve(400)
    assert not spool.is_on_disk
    spool.reserve(401)
    assert spool.is_on_disk


def test_text_stays_in_memory(tmp_path: Path) -> None:
    spool = Spool(tmp_path, memory=1)
    spool.move_to_disk()
    growing = spool.make_array(object)
    growing.append(np.array(["pion", "kaon"], dtype=object))
    assert growing.finish().tolist() == ["pion", "kaon"]


def test_nothing_is_left_in_the_folder(tmp_path: Path) -> None:
    values, _ = collect(Spool(tmp_path, memory=1), np.float32)
    assert not list(tmp_path.iterdir())
    assert len(values) == 600


@pytest.mark.parametrize(
    "rows",
    [slice(3, 40), slice(None, None, -7), np.array([5, 1, 599, 5]), np.arange(600) % 3 == 0, 17, -1],
    ids=str,
)
def test_rows_are_ordinary_copies(tmp_path: Path, rows: Any) -> None:
    values, expected = collect(Spool(tmp_path, memory=1), np.float32)
    found = values[rows]
    assert not isinstance(found, DiskArray)
    np.testing.assert_array_equal(found, expected[rows])
    if isinstance(found, np.ndarray):
        assert not np.may_share_memory(found, values)


def test_what_is_computed_is_an_ordinary_array(tmp_path: Path) -> None:
    values, expected = collect(Spool(tmp_path, memory=1), np.float32)
    for found, wanted in (
        (values + 1, expected + 1),
        (values == 3, expected == 3),
        (values.astype(np.float64), expected.astype(np.float64)),
        (np.diff(values), np.diff(expected)),
    ):
        np.testing.assert_array_equal(found, wanted)
        assert getattr(found, "_map", None) is None
    assert values.sum() == expected.sum()
    assert np.isnan(values).any() == np.False_


def test_arrays_on_disk_cannot_be_written_to(tmp_path: Path) -> None:
    values, _ = collect(Spool(tmp_path, memory=1), np.float32)
    with pytest.raises(ValueError, match="read-only"):
        values += 1


def test_no_rows_make_an_empty_array(tmp_path: Path) -> None:
    spool = Spool(tmp_path, memory=1)
    spool.move_to_disk()
    values = spool.make_array(np.dtype((np.uint8, (4, 5)))).finish()
    assert values.shape == (0, 4, 5)
    assert values[np.array([], dtype=np.int64)].shape == (0, 4, 5)


def resident_file_kb() -> int:
    status = Path("/proc/self/status")
    if not status.is_file():
        pytest.skip("the system does not tell how much of a file is in memory")
    return next(int(line.split()[1]) for line in status.read_text().splitlines() if "RssFile" in line)


def test_pages_are_given_back(tmp_path: Path) -> None:
    spool = Spool(tmp_path, memory=2**20)
    growing = spool.make_array(np.float64)
    for _ in range(32):
        growing.append(np.ones(2**17))  # 1 MiB
    values = growing.finish()
    before = resident_file_kb()
    most = 0
    for start in range(0, len(values), 2**16):
        assert values[start : start + 2**16].sum() == 2**16
        most = max(most, resident_file_kb() - before)
    # Of 32 MiB only what was read since pages were last given back, after 4 MiB.
    assert most < 8 * 1024
    spool.release()
    assert resident_file_kb() - before < 1024


def test_a_disk_that_fills_up_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class FullFile:
        def write(self, content: memoryview) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        def close(self) -> None:
            """Nothing is open."""

    spool = Spool(tmp_path, memory=1)
    monkeypatch.setattr(spool_module.tempfile, "TemporaryFile", lambda **_: FullFile())
    with pytest.raises(DataError, match=r"the disk of .* has not enough room: columns beyond data\.memory"):
        spool.make_array(np.int8).append(np.ones(10))


def test_a_disk_without_room_is_found_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=10**6))
    spool = Spool(tmp_path, memory=1)
    spool.require_disk(10**6, "the columns")
    with pytest.raises(DataError, match=r"the columns need 2 MB, and 1 MB are free\. Free some space, write"):
        spool.require_disk(2 * 10**6, "the columns")


def test_a_folder_that_cannot_be_written_to_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot write columns to .*absent.*: No such file or directory"):
        Spool(tmp_path / "absent", memory=1).open_file()


def test_jagged_columns_go_to_disk_too(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    chunks = [
        Jagged.from_counts(rng.normal(size=counts.sum()), counts) for counts in rng.integers(0, 5, (6, 100))
    ]
    spool = Spool(tmp_path, memory=2000)
    growing = GrowingJagged(np.float32, spool.make_array)
    for chunk in chunks:
        growing.append(chunk)
    values, expected = growing.finish(), Jagged.concatenate(chunks).astype(np.float32)
    assert isinstance(values.content, DiskArray)
    assert isinstance(values.offsets, DiskArray)
    for rows in (slice(100, 250), np.array([599, 0, 3]), np.arange(600) % 7 == 0):
        found, wanted = values[rows], expected[rows]
        np.testing.assert_array_equal(found.content, wanted.content)
        np.testing.assert_array_equal(found.offsets, wanted.offsets)
        assert not isinstance(found.content, DiskArray)
