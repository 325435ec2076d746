"""Where results come from."""

from __future__ import annotations

import gzip
import hashlib

import pytest

from rapidity.workflow.provenance import hash_files


def test_the_hash_of_a_folder_is_that_of_all_its_files(tmp_path):
    folder = tmp_path / "photos"
    (folder / "cat").mkdir(parents=True)
    picture = folder / "cat" / "0.png"
    picture.write_bytes(b"abc")
    (first,) = hash_files([folder, folder]).values()
    picture.write_bytes(b"abd")
    (second,) = hash_files([folder]).values()
    picture.rename(folder / "0.png")
    (third,) = hash_files([folder]).values()
    assert len({first, second, third}) == 3
    content = hashlib.sha256(b"abd").hexdigest()
    assert hash_files([folder / "0.png"]) == {str(folder / "0.png"): content}


@pytest.mark.parametrize("is_compressed", [False, True])
@pytest.mark.parametrize("delimiter", [",", " ", ";"])
def test_the_hash_of_a_list_of_pictures_is_that_of_the_pictures_too(tmp_path, is_compressed, delimiter):
    pictures = [tmp_path / name for name in ("a.png", "B.PNG")]
    text = "".join(f"{delimiter.join(line)}\n" for line in (("file", "y"), ("a.png", "1"), ("B.PNG", "0")))
    path = tmp_path / ("list.csv.gz" if is_compressed else "list.csv")
    path.write_bytes(gzip.compress(text.encode(), mtime=0) if is_compressed else text.encode())
    hashes = [*hash_files([path]).values()]
    for picture in pictures:
        picture.write_bytes(b"abc")
        hashes += hash_files([path]).values()
    pictures[1].write_bytes(b"abd")
    hashes += hash_files([path]).values()
    assert len(set(hashes)) == 4
    assert hashes[0] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_hash_of_another_table_is_that_of_its_content(tmp_path):
    (tmp_path / "a.png").write_bytes(b"abc")
    path = tmp_path / "a.csv"
    path.write_text("file,y\na.jpg,1\n")
    assert hash_files([path]) == {str(path): hashlib.sha256(path.read_bytes()).hexdigest()}
