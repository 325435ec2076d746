from __future__ import annotations

import json
from dataclasses import replace

import h5py
import numpy as np
import pytest

from rapidity.core.errors import ConfigError, DataError
from rapidity.data.readers import open_reader
from rapidity.samples import IMAGE_SAMPLES, generate, images
from rapidity.samples.images import generate_images
from rapidity.samples.sample import SimulatedImages
from rapidity.samples.simulated_rows import RowOptions, make_block

BLOCK_SIZE = 12


def simulate(class_index, rng):
    """Return random images, whose first pixel tells the class."""
    pixels = rng.random((len(class_index), 32, 32, 2)).astype(np.float32)
    pixels[:, 0, 0, 0] = class_index
    return SimulatedImages(pixels, {"energy": pixels[:, 0, 1, 0] * 100})


@pytest.fixture(autouse=True)
def sample(monkeypatch):
    """Replace the simulation by random numbers, in small blocks."""
    monkeypatch.setattr(images, "BLOCK_SIZE", BLOCK_SIZE)
    return replace(IMAGE_SAMPLES["electron_photon"], simulate=simulate)


@pytest.fixture
def make(sample, tmp_path):
    def build(name="a.h5", **settings):
        defaults = {"n_rows": 40, "seed": 3, "workers": 1}
        return generate_images(sample, tmp_path / name, RowOptions(**(defaults | settings)))

    return build


def test_the_file_has_the_names_and_shapes_of_the_public_one(make, tmp_path):
    summary = make()
    assert dict(summary.n_images) == {"photon": 20, "electron": 20}
    assert summary.n_selected == 40
    with h5py.File(tmp_path / "a.h5") as file:
        assert set(file) == {"X", "y", "energy"}
        assert file["X"].shape == (40, 32, 32, 2)
        assert file["X"].dtype == np.float32
        np.testing.assert_array_equal(file["X"][:, 0, 0, 0], file["y"])
        assert not np.array_equal(file["y"], np.arange(40) % 2)
        np.testing.assert_array_equal(file["energy"], file["X"][:, 0, 1, 0] * 100)
        assert file["energy"].dtype == np.float32
        assert file["energy"].attrs["unit"] == "GeV"
        assert file["energy"].attrs["truth"]
        assert file["y"].attrs["class_names"].tolist() == ["photon", "electron"]
        assert json.loads(file["X"].attrs["units"]) == {"energy": "50 GeV", "time": "ns"}
        assert file.attrs["seed"] == 3
        assert file.attrs["sample"] == "electron_photon"


def test_readers_give_the_classes_by_name(make, tmp_path):
    make()
    (chunk,) = open_reader(tmp_path / "a.h5").read({"y": np.dtype(object)})
    assert set(chunk["y"]) == {"photon", "electron"}


def test_any_number_of_workers_gives_the_same_file(make, tmp_path):
    make("1.h5")
    make("3.h5", workers=3)
    assert (tmp_path / "1.h5").read_bytes() == (tmp_path / "3.h5").read_bytes()


def test_a_smaller_sample_is_the_beginning_of_a_larger_one(make, tmp_path):
    make("small.h5", n_rows=17)
    make("large.h5", n_rows=40)
    with h5py.File(tmp_path / "small.h5") as small, h5py.File(tmp_path / "large.h5") as large:
        for name in ("X", "y", "energy"):
            np.testing.assert_array_equal(small[name], large[name][:17])


def test_another_seed_gives_other_images(sample):
    first, second, other = (
        make_block(sample, seed, BLOCK_SIZE, number)[1].images for seed, number in ((1, 0), (2, 0), (1, 1))
    )
    assert not np.any(first[:, 1] == second[:, 1])
    assert not np.any(first[:, 1] == other[:, 1])


def test_a_file_without_classes_has_the_same_images_with_a_number(make, tmp_path):
    make("with.h5")
    make("without.h5", labelled=False)
    with h5py.File(tmp_path / "with.h5") as labelled, h5py.File(tmp_path / "without.h5") as unlabelled:
        assert set(unlabelled) == {"X", "ID"}
        assert unlabelled["ID"][:].tolist() == list(range(40))
        np.testing.assert_array_equal(unlabelled["X"], labelled["X"])


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, ValueError])
def test_ctrl_c_and_failures_leave_nothing_behind(sample, tmp_path, interruption):
    n_calls = []

    def stop(class_index, rng):
        n_calls.append(1)
        if len(n_calls) > 2:
            raise interruption
        return simulate(class_index, rng)

    path = tmp_path / "new" / "a.h5"
    with pytest.raises(interruption):
        generate_images(replace(sample, simulate=stop), path, RowOptions(60, seed=1, workers=2))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_rows": 0}, r"the number of events \(images\) is 0; give 1 to"),
        ({"seed": -1}, "the seed is -1; give 0 to"),
        ({"workers": 0}, "the number of workers is 0; give 1 to 1024"),
        ({"name": "a.csv"}, "it is an HDF5 file, and the name of one ends in"),
    ],
)
def test_what_makes_no_sense_is_refused(make, settings, message):
    with pytest.raises(DataError, match=message):
        make(**settings)


def test_the_underlying_event_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="'electron_photon' has no underlying event"):
        generate("electron_photon", tmp_path / "a.h5", n_events=5, seed=1, underlying_event=True)


def test_generate_knows_the_sample(tmp_path):
    summary = generate("electron_photon", tmp_path / "a.h5", n_events=12, seed=1, workers=1)
    assert summary.n_selected == 12
