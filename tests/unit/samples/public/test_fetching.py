from __future__ import annotations

import errno
import gzip
import hashlib
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rapidity.core.errors import ConfigError, DataError, InterruptedRunError
from rapidity.samples.public import PUBLIC_DATA_SETS, fetch
from rapidity.samples.public.digits import make_digits
from rapidity.samples.public.downloading import N_ATTEMPTS

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]


class Recorder:
    """A progress that keeps what it is told; `act` is called at every chunk."""

    def __init__(self, act=lambda: None):
        self.notes, self.done, self._act = [], [], act

    def task(self, description, total=None, unit=""):
        self.done.append(0)
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def advance(self, amount=1, **_):
        self.done[-1] += amount
        self._act()

    def note(self, message):
        self.notes.append(message)


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_download_is_verified_and_whole(server, publish, tmp_path):
    file = publish()
    progress = Recorder()
    summary = fetch("events", tmp_path / "data", progress=progress)
    assert (tmp_path / "data" / file.name).read_bytes() == server.content
    assert listing(tmp_path / "data") == [file.name]
    assert progress.done == [len(server.content)]
    assert (summary.files[0].origin, summary.files[0].verified_by) == ("downloaded", "published checksum")
    assert summary.to_dict()["files"][0]["sha256"] == file.sha256


def test_second_fetch_asks_the_server_nothing(server, publish, tmp_path):
    publish()
    fetch("events", tmp_path)
    before = (tmp_path / "events.csv.gz").stat().st_mtime_ns
    summary = fetch("events", tmp_path)
    assert len(server.requests) == 1
    assert summary.files[0].origin == "already there"
    assert (tmp_path / "events.csv.gz").stat().st_mtime_ns == before


@pytest.mark.parametrize("fault", ["cut", "cut without length", "503"])
def test_broken_download_is_begun_again(server, publish, tmp_path, fault):
    publish()
    server.faults = [fault]
    progress = Recorder()
    fetch("events", tmp_path, progress=progress)
    assert (tmp_path / "events.csv.gz").read_bytes() == server.content
    assert listing(tmp_path) == ["events.csv.gz"]
    assert "attempt 2 of 3" in progress.notes[0]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("cut", r"the connection broke after [\d,]+ bytes .*128000 bytes read, 128000 more expected"),
        ("cut without length", "gave a file of 128,000 bytes, expected 256,000"),
        ("503", "the server answers 503 Server Error: Service Unavailable"),
        ("404", "the server answers 404 Client Error: Not Found"),
    ],
)
def test_download_that_stays_broken_leaves_nothing(server, publish, tmp_path, fault, message):
    publish()
    server.faults = [fault] * 10
    with pytest.raises(DataError, match=rf"(?s)could not be downloaded.*{message}.*Nothing half-written"):
        fetch("events", tmp_path / "data")
    assert not (tmp_path / "data").exists()
    assert len(server.requests) == (1 if fault == "404" else N_ATTEMPTS)


def test_next_address_is_tried(server, publish, tmp_path):
    publish(server.address("gone"), server.address("here"))
    server.faults = ["404"]
    assert fetch("events", tmp_path).files[0].origin == "downloaded"
    assert server.requests == ["/gone", "/here"]


def test_server_that_is_not_there(publish, tmp_path):
    publish("http://127.0.0.1:9/events.csv.gz")
    with pytest.raises(DataError, match=r"the connection broke after 0 bytes \(.*refused"):
        fetch("events", tmp_path)


def test_wrong_checksum_is_refused_and_nothing_kept(server, publish, tmp_path):
    publish()
    server.content = server.content[::-1]
    with pytest.raises(DataError, match=r"gave a file of SHA-256 \w{64}, expected \w{64} \(published\)"):
        fetch("events", tmp_path)
    assert listing(tmp_path) == []
    assert len(server.requests) == 1


@pytest.mark.parametrize("has_checksum", [True, False])
def test_wrong_size_is_refused_and_nothing_kept(server, publish, tmp_path, has_checksum):
    publish(has_checksum=has_checksum)
    server.content += b"more"
    with pytest.raises(DataError, match="gave a file of 256,004 bytes, expected 256,000"):
        fetch("events", tmp_path)
    assert listing(tmp_path) == []


def test_failed_replacement_keeps_the_earlier_file(server, publish, tmp_path):
    publish()
    (tmp_path / "events.csv.gz").write_bytes(b"mine")
    server.faults = ["404"]
    with pytest.raises(DataError, match="could not be downloaded"):
        fetch("events", tmp_path, overwrite=True)
    assert (tmp_path / "events.csv.gz").read_bytes() == b"mine"


def test_another_file_of_the_name_is_replaced_only_on_request(server, publish, tmp_path):
    publish()
    (tmp_path / "events.csv.gz").write_bytes(b"mine")
    with pytest.raises(DataError, match=r"there already .* 4 bytes, expected 256,000.*--overwrite"):
        fetch("events", tmp_path)
    assert server.requests == []
    assert fetch("events", tmp_path, overwrite=True).files[0].origin == "downloaded"


def test_folder_in_the_place_of_the_file(publish, tmp_path):
    publish()
    (tmp_path / "events.csv.gz").mkdir()
    with pytest.raises(DataError, match="is a folder, but a file of this name"):
        fetch("events", tmp_path, overwrite=True)


def test_interruption_leaves_nothing_half_written(publish, tmp_path):
    publish()

    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(InterruptedRunError, match=r"interrupted.*0 complete files.*rapidity fetch events -o"):
        fetch("events", tmp_path, progress=Recorder(interrupt))
    assert listing(tmp_path) == []


def test_full_disk_is_an_error_that_says_so(publish, tmp_path, monkeypatch):
    publish()

    def refuse(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pooch.HTTPDownloader.__call__", refuse)
    with pytest.raises(DataError, match="no space is left on the disk"):
        fetch("events", tmp_path)
    assert listing(tmp_path) == []


class TestWithoutPublishedChecksum:
    @pytest.fixture
    def fetched(self, publish, tmp_path):
        publish(has_checksum=False)
        return fetch("events", tmp_path).files[0]

    def test_first_fetch_records_it(self, server, fetched):
        sha256 = hashlib.sha256(server.content).hexdigest()
        assert fetched.verified_by == "size (checksum recorded now)"
        record = fetched.path.with_name("events.csv.gz.sha256")
        assert record.read_text() == f"{sha256}  events.csv.gz\n"

    def test_later_fetch_verifies_it(self, fetched, tmp_path):
        assert fetch("events", tmp_path).files[0].verified_by == "recorded checksum"

    def test_damage_of_the_same_size_is_found_and_mended(self, server, fetched, tmp_path):
        fetched.path.write_bytes(b"?" + server.content[1:])
        with pytest.raises(DataError, match=r"recorded at the first fetch.*delete events.csv.gz.sha256"):
            fetch("events", tmp_path)
        assert fetch("events", tmp_path, overwrite=True).files[0].origin == "downloaded"
        assert fetched.path.read_bytes() == server.content

    def test_other_file_on_the_server_is_refused(self, server, fetched, tmp_path):
        fetched.path.unlink()
        server.content = server.content[::-1]
        with pytest.raises(DataError, match=r"expected \w{64} \(recorded at the first fetch\)"):
            fetch("events", tmp_path)
        assert listing(tmp_path) == ["events.csv.gz.sha256"]

    def test_spoilt_record(self, fetched, tmp_path):
        fetched.path.with_name("events.csv.gz.sha256").write_text("not a checksum\n")
        with pytest.raises(DataError, match="should begin with a SHA-256 of 64 digits, found 'not a"):
            fetch("events", tmp_path)
        assert fetch("events", tmp_path, overwrite=True).files[0].verified_by.startswith("size")

    def test_unknown_size_is_not_called_verified(self, publish, tmp_path):
        publish(has_checksum=False, size=None)
        assert fetch("events", tmp_path).files[0].verified_by == "nothing yet (checksum recorded now)"


class TestDigits:
    def test_files_are_those_of_mnist_with_all_images(self, tmp_path):
        summary = fetch("digits", tmp_path)
        assert {file.path.name for file in summary.files} == {
            file.name for file in PUBLIC_DATA_SETS["mnist"].files
        }
        counts = {}
        for file in summary.files:
            content = gzip.decompress(file.path.read_bytes())
            n_axes = content[3]
            counts[file.path.name[:12]] = np.frombuffer(content, ">u4", n_axes, 4).tolist()
        assert counts == {
            "train-images": [1437, 8, 8],
            "train-labels": [1437],
            "t10k-images-": [360, 8, 8],
            "t10k-labels-": [360],
        }

    def test_pixels_use_the_range_of_a_byte(self):
        content = make_digits()["train-images-idx3-ubyte.gz"]
        pixels = np.frombuffer(content, np.uint8, offset=16)
        assert (pixels.min(), pixels.max(), len(np.unique(pixels))) == (0, 255, 17)

    def test_second_fetch_writes_nothing(self, tmp_path):
        first = fetch("digits", tmp_path)
        times = [file.path.stat().st_mtime_ns for file in first.files]
        second = fetch("digits", tmp_path)
        assert {file.origin for file in second.files} == {"already there"}
        assert [file.path.stat().st_mtime_ns for file in second.files] == times

    def test_other_content_is_refused(self, tmp_path):
        (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(b"mine")
        with pytest.raises(DataError, match="its content is not that of digits"):
            fetch("digits", tmp_path)
        assert listing(tmp_path) == ["train-images-idx3-ubyte.gz"]
        assert fetch("digits", tmp_path, overwrite=True).files[0].origin == "written"


def test_unknown_name_shows_the_near_one():
    with pytest.raises(ConfigError, match=r"unknown data set 'mnits'\. Did you mean 'mnist'"):
        fetch("mnits")


def test_catalogue_states_terms_and_source():
    for name, data_set in PUBLIC_DATA_SETS.items():
        assert name == data_set.name
        assert data_set.terms
        assert data_set.source
        assert all(url.endswith(file.name) for file in data_set.files for url in file.urls)


@pytest.mark.data
def test_real_mnist_is_known_by_its_content(shared_data):
    summary = fetch("mnist", shared_data / "mnist")
    assert {(file.origin, file.verified_by) for file in summary.files} <= {
        ("already there", "content"),
        ("already there", "published checksum"),
    }
