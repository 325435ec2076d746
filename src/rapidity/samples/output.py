"""The file of a sample: HDF5 with one compound dataset a process, and where it came from."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rapidity.core.errors import DataError
from rapidity.core.files import write_atomically
from rapidity.samples.sample import LUMINOSITY_FB

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from rapidity.samples.sample import ProcessSummary, Sample

FORMAT_VERSION = 1
SUFFIXES = (".h5", ".hdf5", ".hdf")


def check_path(path: Path | str) -> None:
    """Raise DataError, before a minute of work, if the name or the place of the file is wrong."""
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        message = (
            f"cannot write the sample to {path}: it is an HDF5 file, and the name of one ends in "
            f"{', '.join(SUFFIXES)}. Call it {path.name}.h5, for instance"
        )
        raise DataError(message)
    if path.is_dir():
        message = f"cannot write the sample to {path}: a folder stands there. Choose another name"
        raise DataError(message)
    probe = path.with_name(f".{path.stem}-probe{path.suffix}")
    with write_atomically(probe):
        pass
    probe.unlink()


def write_sample(
    path: Path,
    sample: Sample,
    columns: Mapping[str, Mapping[str, NDArray[np.generic]]],
    summaries: Mapping[str, ProcessSummary],
    attributes: Mapping[str, str | int | float | bool],
) -> None:
    """Write the file, whole or not at all.

    Parameters
    ----------
    columns
        Dataset -> column -> values.
    summaries
        Process name -> its numbers, which become attributes of its dataset.
    attributes
        Further attributes of the file.
    """
    import h5py

    with write_atomically(path) as temporary, h5py.File(temporary, "w") as file:
        file.attrs["rapidity_format"] = FORMAT_VERSION
        file.attrs["sample"] = sample.name
        file.attrs["title"] = sample.title
        file.attrs["luminosity_fb"] = LUMINOSITY_FB
        file.attrs.update(attributes)
        file.attrs.update(_versions())
        for process in sample.processes:
            dataset = file.create_dataset(process.dataset, data=to_compound(columns[process.dataset]))
            summary = summaries[process.name]
            dataset.attrs["title"] = process.title
            dataset.attrs["n_generated"] = summary.n_generated
            dataset.attrs["n_selected"] = summary.n_selected
            dataset.attrs["cross_section_pb"] = summary.cross_section_pb
            dataset.attrs["generator_settings"] = "\n".join((*sample.settings, *process.settings))
            # HDF5 has no attributes on the fields of a compound type.
            dataset.attrs["units"] = json.dumps(dict(sample.columns))


def to_compound(columns: Mapping[str, NDArray[np.generic]]) -> NDArray[np.void]:
    """Return columns of equal length as one structured array.

    Examples
    --------
    >>> to_compound({"a": np.array([1.5]), "n": np.array([2])})
    array([(1.5, 2)], dtype=[('a', '<f8'), ('n', '<i8')])
    """
    n_rows = len(next(iter(columns.values())))
    rows = np.empty(n_rows, dtype=[(name, values.dtype) for name, values in columns.items()])
    for name, values in columns.items():
        rows[name] = values
    return rows


def _versions() -> dict[str, str]:
    packages = {"rapidity": "rapidity", "pythia8mc": "pythia8mc", "fastjet": "fastjet", "numpy": "numpy"}
    found = {}
    for name, package in packages.items():
        try:
            found[f"{name}_version"] = version(package)
        except PackageNotFoundError:
            # A generator built from source has no entry among the installed packages.
            found[f"{name}_version"] = "unknown"
    return found
