"""Prepared events in a columnar HDF5 file, one dataset an array, written and read in pieces.

The datasets are contiguous, so that a piece is a single read or write of bytes at a known place. That goes
past the HDF5 library, whose calls would hold up the training while another thread reads ahead; the file is an
ordinary HDF5 file all the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from io import FileIO
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from rapidity.core.errors import DataError
from rapidity.core.records import Batch

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import h5py
    from numpy.typing import NDArray

INPUT, TARGET = "inputs/", "targets/"
WEIGHT, ROW = "training_weight", "row"


@dataclass(frozen=True)
class ArrayPlace:
    """Where an array lies in a file: the byte where it begins, the type and shape of one event."""

    offset: int
    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    @property
    def event_bytes(self) -> int:
        """Bytes of one event."""
        return self.dtype.itemsize * math.prod(self.shape)


def create_groups(path: Path, groups: Mapping[str, tuple[int, Mapping[str, np.dtype[Any]]]]) -> None:
    """Make a file with room for groups of arrays.

    Parameters
    ----------
    groups
        Name -> number of events, and the arrays by name with their types; those with a shape are arrays.
    """
    import h5py

    with h5py.File(path, "w") as file:
        file.attrs["rapidity_prepared"] = 1
        for group, (n_events, dtypes) in groups.items():
            file.create_group(group)
            for name, dtype in dtypes.items():
                _create_contiguous(file, f"{group}/{name}", dtype, n_events)


def _create_contiguous(file: h5py.File, name: str, dtype: np.dtype[Any], n_events: int) -> None:
    import h5py

    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_layout(h5py.h5d.CONTIGUOUS)
    # The place of the values must be known now; zeros need not be written there first.
    creation.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    creation.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    links = h5py.h5p.create(h5py.h5p.LINK_CREATE)
    links.set_create_intermediate_group(True)
    space = h5py.h5s.create_simple((n_events, *dtype.shape))
    kind = h5py.h5t.py_create(dtype.base)
    h5py.h5d.create(file.id, name.encode(), kind, space, dcpl=creation, lcpl=links)


class EventFile:
    """One group of a file of prepared events, open for pieces to be read or written.

    Attributes
    ----------
    n_events
        Number of events of the group.
    places
        Name of each array -> where it lies.
    """

    def __init__(self, path: Path, group: str, mode: str = "rb") -> None:
        import h5py

        self.places: dict[str, ArrayPlace] = {}
        self.n_events = 0
        self._path = path
        with h5py.File(path, "r") as file:
            file[group].visititems(self._add)
        self._file = FileIO(path, mode)

    def _add(self, name: str, found: Any) -> None:
        if hasattr(found, "shape"):
            # An array without values has no place.
            offset = found.id.get_offset() or 0
            self.places[name] = ArrayPlace(offset, found.dtype, found.shape[1:])
            self.n_events = found.shape[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @property
    def prepared(self) -> set[str]:
        """Names of what is prepared: inputs, targets, weights."""
        return {name for name in self.places if name.startswith((INPUT, TARGET)) or name == WEIGHT}

    def make_buffers(self, n_events: int, names: set[str] | None = None) -> dict[str, NDArray[Any]]:
        """Return arrays for so many events, by name; those that are prepared unless `names` are given."""
        chosen = self.prepared if names is None else names
        return {
            name: np.empty((n_events, *place.shape), place.dtype)
            for name, place in self.places.items()
            if name in chosen
        }

    def read(self, start: int, buffers: Mapping[str, NDArray[Any]]) -> None:
        """Fill arrays with the events from `start` on, as many as the arrays are long."""
        for name, array in buffers.items():
            place = self.places[name]
            self._file.seek(place.offset + start * place.event_bytes)
            content = _bytes_of(array)
            while content:
                n_read = self._file.readinto(content)
                if not n_read:
                    message = (
                        f"{self._path} ends before event {start + len(array)} of its '{name}'. Was it cut "
                        "short by another program? Go on with the training: rapidity train --resume"
                    )
                    raise DataError(message)
                content = content[n_read:]

    def write(self, start: int, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Write events to the places from `start` on."""
        for name, array in arrays.items():
            place = self.places[name]
            self._file.seek(place.offset + start * place.event_bytes)
            content = _bytes_of(np.ascontiguousarray(array, place.dtype))
            while content:
                content = content[self._file.write(content) :]


def _bytes_of(array: NDArray[Any]) -> memoryview:
    # An array without values cannot be cast.
    return array.data.cast("B") if array.size else memoryview(b"")


def to_arrays(events: Batch) -> dict[str, NDArray[Any]]:
    """Return the arrays of some events under the names that they have in a file."""
    arrays: dict[str, NDArray[Any]] = {INPUT + name: array for name, array in events.inputs.items()}
    arrays |= {TARGET + name: array for name, array in events.targets.items()}
    if events.training_weight is not None:
        arrays[WEIGHT] = events.training_weight
    return arrays


def to_batch(arrays: Mapping[str, NDArray[Any]]) -> Batch:
    """Return the events of arrays with the names that they have in a file."""
    return Batch(
        inputs=_with_prefix(arrays, INPUT),
        targets=_with_prefix(arrays, TARGET),
        training_weight=arrays.get(WEIGHT),
    )


def _with_prefix(arrays: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
