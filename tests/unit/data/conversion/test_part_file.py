"""Part files: whole or not there, and read back in the same pieces."""

from __future__ import annotations

import errno
import os

import numpy as np
import pytest

from rapidity.core.errors import DataError
from rapidity.data.conversion import part_file
from rapidity.data.conversion.part_file import UnwritablePartError, read_part, write_part


def test_arrays_come_back(tmp_path):
    first = [np.arange(3), np.array(["a", "bcd", ""], object), np.ones((3, 2), np.float32)]
    second = [np.arange(2), np.array(["é", "x"], object), np.zeros((2, 2), np.float32)]
    with write_part(tmp_path / "a.part") as append:
        append(first)
        append(second)
    for found, expected in zip(read_part(tmp_path / "a.part"), [first, second], strict=True):
        for array, wanted in zip(found, expected, strict=True):
            assert array.tolist() == wanted.tolist()


def test_a_part_without_events_is_an_empty_file(tmp_path):
    with write_part(tmp_path / "a.part"):
        pass
    assert list(read_part(tmp_path / "a.part")) == []


def test_nothing_is_left_of_a_part_that_failed(tmp_path):
    def fail():
        with write_part(tmp_path / "a.part") as append:
            append([np.arange(3)])
            raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_truncated_part_is_an_error_that_says_what_to_do(tmp_path):
    path = tmp_path / "a.part"
    with write_part(path) as append:
        append([np.arange(1000)])
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(DataError, match=r"a part of a conversion, cannot be read: .*\. Remove the folder"):
        list(read_part(path))


def test_a_full_disk_is_an_error_that_says_what_to_do(tmp_path, monkeypatch):
    def refuse(stream, arrays):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def append_to(path):
        with write_part(path) as append:
            append([np.arange(1000)])

    monkeypatch.setattr(part_file, "_write_arrays", refuse)
    with pytest.raises(UnwritablePartError, match=r"cannot write .*a\.part.*: No space left .* goes on from"):
        append_to(tmp_path / "a.part")
    assert list(tmp_path.iterdir()) == []
