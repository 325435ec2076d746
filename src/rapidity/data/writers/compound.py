"""HDF5 with compound datasets: one dataset a class, as many courses and samples use it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import DataError, shorten
from rapidity.core.files import write_atomically
from rapidity.data.writers.writer import FORMAT_VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


def write_compound_hdf5(
    path: Path | str,
    datasets: Mapping[str, Mapping[str, NDArray[Any]]],
    attributes: Mapping[str, str | float],
    *,
    units: Mapping[str, str] | None = None,
) -> None:
    """Write one compound dataset for each entry of `datasets`, whole or not at all.

    Parameters
    ----------
    datasets
        Dataset name -> column name -> values ``(n_events,)``; text as str or object arrays.
    attributes
        About the whole file.
    units
        Units by column name, kept as an attribute of each dataset (JSON).

    Raises
    ------
    DataError
        If columns of one dataset have different lengths, or the file cannot be written.
    """
    from rapidity.data.writers.hdf5_file import create_hdf5

    path = Path(path)
    tables = {name: _make_rows(path, name, columns) for name, columns in datasets.items()}
    with write_atomically(path) as temporary, create_hdf5(temporary) as (file, _):
        file.attrs["rapidity_format"] = FORMAT_VERSION
        for key, value in attributes.items():
            file.attrs[key] = value
        for name, rows in tables.items():
            dataset = file.create_dataset(name, data=rows)
            if units:
                dataset.attrs["units"] = json.dumps(
                    {key: units[key] for key in datasets[name] if key in units}
                )


def _make_rows(path: Path, name: str, columns: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    import h5py

    lengths = {column: len(values) for column, values in columns.items()}
    if len(set(lengths.values())) != 1:
        found = shorten(f"{column} ({length})" for column, length in lengths.items())
        message = (
            f"dataset '{name}' for {path} cannot be written: found {found or 'no columns'}, "
            "expected equally many rows in each column."
        )
        raise DataError(message)
    fields = [
        (column, h5py.string_dtype() if values.dtype.kind in "OUS" else values.dtype)
        for column, values in columns.items()
    ]
    rows = np.empty(next(iter(lengths.values())), dtype=fields)
    for column, values in columns.items():
        rows[column] = values
    return rows
