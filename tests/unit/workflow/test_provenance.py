"""Where results come from."""

from __future__ import annotations

import hashlib

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
