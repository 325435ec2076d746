from __future__ import annotations

import errno
import os
import tempfile

import pytest

from rapidity.core.errors import DataError
from rapidity.core.files import (
    hash_file,
    remove_temporaries,
    without_empty_folders,
    write_atomically,
    write_text,
)


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


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, RuntimeError])
def test_a_folder_made_for_nothing_goes_away_again(tmp_path, interruption):
    (tmp_path / "there").mkdir()
    with pytest.raises(interruption), write_atomically(tmp_path / "there" / "new" / "newer" / "a.txt"):
        raise interruption
    assert [path.name for path in tmp_path.rglob("*")] == ["there"]


def test_a_new_folder_that_holds_something_stays(tmp_path):
    def write_two():
        write_text(tmp_path / "new" / "a.txt", "text")
        write_text(tmp_path / "new" / "deep" / "b.txt", "text")
        (tmp_path / "new" / "deep" / "b.txt").unlink()

    with without_empty_folders(tmp_path / "new" / "deep" / "b.txt"):
        write_two()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.txt"]


def test_a_folder_that_another_process_takes_away_is_made_again(tmp_path, monkeypatch):
    real = tempfile.mkstemp
    removed = []

    def make(*arguments, **options):
        if not removed:
            removed.append((tmp_path / "new").rmdir())
        return real(*arguments, **options)

    monkeypatch.setattr(tempfile, "mkstemp", make)
    write_text(tmp_path / "new" / "a.txt", "text")
    assert removed
    assert (tmp_path / "new" / "a.txt").read_text() == "text"


@pytest.mark.parametrize("name", ["a.csv.gz", "a[1].root", "a"])
def test_temporaries_of_a_killed_process_are_removed_and_no_other_files(tmp_path, name):
    path = tmp_path / name
    others = [tmp_path / f"b{name}", tmp_path / f".{name}", path]
    with (
        write_atomically(path) as temporary,
        write_atomically(path.with_name(f"{path.name.split('.')[0]}-x.root")) as longer,
    ):
        left = temporary.read_bytes()
        for other in others:
            other.write_text("other")
        remove_temporaries(path)
        assert not temporary.exists()
        assert longer.exists()
        assert all(other.exists() for other in others)
        temporary.write_bytes(left)
