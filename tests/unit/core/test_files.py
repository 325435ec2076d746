from __future__ import annotations

import errno
import os

import pytest

from rapidity.core.errors import DataError
from rapidity.core.files import hash_file, write_atomically, write_text


def test_file_appears_whole(tmp_path):
    path = tmp_path / "new" / "a.txt"
    write_text(path, "whole")
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


def test_earlier_file_stays_when_writing_fails(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("before")

    def write_half():
        with write_atomically(path) as temporary:
            temporary.write_text("half")
            message = "broken"
            raise RuntimeError(message)

    with pytest.raises(RuntimeError, match="broken"):
        write_half()
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "no space is left on the disk"),
        (errno.EDQUOT, "your disk quota is used up"),
        (errno.EROFS, "the file system is read-only"),
    ],
)
def test_refusal_of_the_file_system_says_what_to_do(tmp_path, monkeypatch, number, words):
    def refuse(descriptor):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(DataError, match=f"cannot write .*a.txt: {words}"):
        write_text(tmp_path / "a.txt", "text")
    assert list(tmp_path.iterdir()) == []


def test_other_errors_of_the_system_pass_through(tmp_path):
    with pytest.raises(FileNotFoundError), write_atomically(tmp_path / "a.txt") as temporary:
        temporary.with_name("no such file").read_text()


def test_file_in_place_of_a_folder_is_named(tmp_path):
    (tmp_path / "a").write_text("file")
    with pytest.raises((DataError, FileExistsError)):
        write_text(tmp_path / "a" / "b.txt", "text")


def test_suffix_is_kept_for_writers_that_choose_by_it(tmp_path):
    with write_atomically(tmp_path / "a.parquet") as temporary:
        assert temporary.suffix == ".parquet"


def test_hash_is_that_of_the_content(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert hash_file(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
