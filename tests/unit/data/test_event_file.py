"""Prepared events in HDF5 files that are read and written past the library."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest

from rapidity.core.errors import DataError
from rapidity.core.records import Batch
from rapidity.data.event_file import EventFile, create_groups, to_arrays, to_batch

if TYPE_CHECKING:
    from pathlib import Path

N_EVENTS = 50


@pytest.fixture
def events() -> Batch:
    rng = np.random.default_rng(1)
    return Batch(
        {
            "track": rng.normal(size=(N_EVENTS, 3)).astype(np.float32),
            "image": rng.random((N_EVENTS, 2, 2, 1), np.float32),
        },
        {"class": rng.integers(0, 3, N_EVENTS)},
        rng.random(N_EVENTS, np.float32),
    )


@pytest.fixture
def path(tmp_path: Path, events: Batch) -> Path:
    path = tmp_path / "prepared.h5"
    dtypes = {name: np.dtype((array.dtype, array.shape[1:])) for name, array in to_arrays(events).items()}
    create_groups(path, {"train": (N_EVENTS, dtypes), "validation": (0, dtypes)})
    with EventFile(path, "train", "rb+") as file:
        for start in (20, 0, 40):  # in any order
            part = {name: array[start : start + 20] for name, array in to_arrays(events).items()}
            file.write(start, part)
    return path


def test_events_come_back_in_pieces(path: Path, events: Batch) -> None:
    with EventFile(path, "train") as file:
        assert file.n_events == N_EVENTS
        buffers = file.make_buffers(7)
        file.read(31, buffers)
    found = to_batch(buffers)
    np.testing.assert_array_equal(found.inputs["image"], events.inputs["image"][31:38])
    np.testing.assert_array_equal(found.inputs["track"], events.inputs["track"][31:38])
    np.testing.assert_array_equal(found.targets["class"], events.targets["class"][31:38])
    np.testing.assert_array_equal(found.training_weight, events.training_weight[31:38])


def test_any_program_can_read_the_file(path: Path, events: Batch) -> None:
    with h5py.File(path, "r") as file:
        np.testing.assert_array_equal(file["train/inputs/track"][:], events.inputs["track"])
        np.testing.assert_array_equal(file["train/targets/class"][:], events.targets["class"])
        assert file["validation/inputs/track"].shape == (0, 3)


def test_a_split_without_events_has_none(path: Path) -> None:
    with EventFile(path, "validation") as file:
        assert file.n_events == 0
        file.read(0, file.make_buffers(0))


def test_a_file_cut_short_is_an_error(path: Path) -> None:
    with EventFile(path, "train") as file:
        with path.open("rb+") as stream:
            stream.truncate(3000)
        message = r"prepared\.h5 ends before event 50 of its '.*'\. Was it cut short"
        with pytest.raises(DataError, match=message):
            file.read(0, file.make_buffers(N_EVENTS))
