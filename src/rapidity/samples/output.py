"""The file of a sample: HDF5 with one compound dataset a process, and where it came from."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from rapidity.core.errors import DataError
from rapidity.core.files import write_atomically
from rapidity.samples.sample import LUMINOSITY_FB

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from rapidity.samples.sample import ProcessSummary, Sample

SUFFIXES = (".h5", ".hdf5", ".hdf")
PACKAGES = ("rapidity", "pythia8mc", "fastjet", "numpy")


def check_path(path: Path | str) -> None:
    """Raise DataError, before a minute of work, if the name or the place of the file is wrong."""
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        message = (
            f"cannot write the sample to {path}: it is an HDF5 file, and the name of one ends in "
            f"{', '.join(SUFFIXES)}. Call it {path.name}.h5, for instance"
        )
        raise DataError(message)
    check_place(path)


def check_place(path: Path) -> None:
    """Raise DataError if a file cannot be put there."""
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
    attributes: Mapping[str, int | bool],
) -> None:
    """Write the file, whole or not at all.

    Parameters
    ----------
    columns
        Dataset -> column -> values.
    summaries
        Process name -> its numbers, which become attributes such as ``Signal.n_generated``.
    attributes
        Further attributes of the file.
    """
    # Imported here: writing brings in h5py, and `rapidity --help` should not wait for it.
    from rapidity.data.writers import write_compound_hdf5

    about: dict[str, str | float] = {
        "sample": sample.name,
        "title": sample.title,
        "luminosity_fb": LUMINOSITY_FB,
        **attributes,
        **{f"{package}_version": package_version(package) for package in PACKAGES},
    }
    for process in sample.processes:
        summary = summaries[process.name]
        about |= {
            f"{process.dataset}.title": process.title,
            f"{process.dataset}.n_generated": summary.n_generated,
            f"{process.dataset}.n_selected": summary.n_selected,
            f"{process.dataset}.cross_section_pb": summary.cross_section_pb,
            f"{process.dataset}.generator_settings": "\n".join((*sample.settings, *process.settings)),
        }
    write_compound_hdf5(path, columns, about, units=sample.columns)


def package_version(package: str) -> str:
    """Return the version of an installed package, or ``unknown``."""
    try:
        return version(package)
    except PackageNotFoundError:
        # A generator built from source has no entry among the installed packages.
        return "unknown"
