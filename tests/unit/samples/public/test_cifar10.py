from __future__ import annotations

import hashlib
import io
import tarfile
from dataclasses import replace

import numpy as np
import pytest

from rapidity.core.errors import DataError
from rapidity.core.registry import Registry
from rapidity.data.readers import open_reader
from rapidity.samples.public import RemoteFile, fetch, fetching
from rapidity.samples.public.cifar10 import ARCHIVE, CIFAR10, CLASSES, FOLDER, RECORD_BYTES, TEST, TRAIN

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]


def make_archive(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(f"{FOLDER}/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture
def records():
    """Return two pictures a file: of class n and n + 1, with numbered pixels."""
    rng = np.random.default_rng(1)
    files = {name: rng.integers(0, 256, (2, RECORD_BYTES), dtype=np.uint8) for name in (*TRAIN, *TEST)}
    for number, values in enumerate(files.values()):
        values[:, 0] = (number, number + 1)
    return files


@pytest.fixture
def publish(server, monkeypatch):
    """Return a function that puts an archive onto the server on this machine."""

    def make(members):
        server.content = make_archive({name: bytes(values) for name, values in members.items()})
        file = RemoteFile(
            ARCHIVE,
            (server.address(ARCHIVE),),
            len(server.content),
            hashlib.sha256(server.content).hexdigest(),
        )
        data_set = replace(CIFAR10, files=(file,))
        monkeypatch.setattr(fetching, "PUBLIC_DATA_SETS", Registry("data set", {"cifar10": data_set}))

    return make


def test_pictures_are_converted_to_arrays(publish, records, tmp_path):
    publish(records)
    summary = fetch("cifar10", tmp_path)
    assert [(file.path.name, file.origin) for file in summary.files] == [
        (ARCHIVE, "downloaded"), ("train.npz", "written"), ("test.npz", "written"),
    ]  # fmt: skip
    with np.load(tmp_path / "train.npz", allow_pickle=False) as train:
        assert train["image"].shape == (10, 32, 32, 3)
        assert train["image"].dtype == np.uint8
        assert train["label"].tolist() == [CLASSES[k] for n in range(5) for k in (n, n + 1)]
        # Red, green and blue planes one after another become colours of a pixel.
        expected = records[TRAIN[1]][1, 1:].reshape(3, 32, 32)
        np.testing.assert_array_equal(train["image"][3][5, 7], expected[:, 5, 7])


def test_the_reader_finds_images_and_classes(publish, records, tmp_path):
    publish(records)
    fetch("cifar10", tmp_path)
    (chunk,) = open_reader(tmp_path / "test.npz").read({"label": np.dtype(object)})
    assert list(chunk["label"]) == ["dog", "frog"]


def test_second_fetch_asks_and_writes_nothing(server, publish, records, tmp_path):
    publish(records)
    fetch("cifar10", tmp_path)
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    summary = fetch("cifar10", tmp_path)
    assert {file.origin for file in summary.files} == {"already there"}
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before
    assert len(server.requests) == 1


def test_files_of_ones_own_stay(publish, records, tmp_path):
    publish(records)
    (tmp_path / "test.npz").write_bytes(b"mine")
    with pytest.raises(DataError, match=r"test\.npz is there already .* not the one that was made here"):
        fetch("cifar10", tmp_path)
    assert (tmp_path / "test.npz").read_bytes() == b"mine"
    assert fetch("cifar10", tmp_path, overwrite=True).files[-1].origin == "written"


@pytest.mark.parametrize("fault", ["missing", "short", "class"])
def test_another_archive_is_explained_and_leaves_no_arrays(publish, records, tmp_path, fault):
    if fault == "missing":
        del records[TRAIN[2]]
    elif fault == "short":
        records[TRAIN[2]] = records[TRAIN[2]].ravel()[:-1]
    else:
        records[TRAIN[2]][0, 0] = 10
    publish(records)
    with pytest.raises(
        DataError, match=r"has no pictures in '.*data_batch_3\.bin': found [\d,]+ bytes, expected"
    ):
        fetch("cifar10", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [ARCHIVE]
