"""The file of a sample of collisions, and where it came from.

HDF5 with one compound dataset a process, or a ROOT file with one tree for all processes.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from rapidity.core.errors import DataError
from rapidity.core.files import without_empty_folders, write_atomically
from rapidity.samples.event_columns import take_events
from rapidity.samples.sample import LUMINOSITY_FB

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rapidity.samples.sample import EventColumns, ProcessSummary, Sample

SUFFIXES = {"hdf5": (".h5", ".hdf5", ".hdf"), "tree": (".root",)}
EVENT_NUMBERS_OF_PROCESS = 10**9
ROWS_OF_CHUNK = 20_000
PACKAGES = ("rapidity", "pythia8mc", "fastjet", "numpy")


def check_path(path: Path | str, layout: Literal["hdf5", "tree"] = "hdf5") -> None:
    """Raise DataError, before a minute of work, if the name or the place of the file is wrong."""
    path = Path(path)
    suffixes = SUFFIXES[layout]
    if path.suffix.lower() not in suffixes:
        kind = {"hdf5": "an HDF5 file", "tree": "a ROOT file"}[layout]
        message = (
            f"cannot write the sample to {path}: it is {kind}, and the name of one ends in "
            f"{', '.join(suffixes)}. Call it {path.name}{suffixes[0]}, for instance"
        )
        raise DataError(message)
    check_place(path)


def check_place(path: Path) -> None:
    """Raise DataError if a file cannot be put there; nothing is left there by trying."""
    if path.is_dir():
        message = f"cannot write the sample to {path}: a folder stands there. Choose another name"
        raise DataError(message)
    probe = path.with_name(f".{path.stem}-probe{path.suffix}")
    with without_empty_folders(probe):
        with write_atomically(probe):
            pass
        probe.unlink()


def write_sample(
    path: Path,
    sample: Sample,
    columns: Mapping[str, EventColumns],
    summaries: Mapping[str, ProcessSummary],
    attributes: Mapping[str, int | bool | str],
) -> None:
    """Write the file, whole or not at all.

    Parameters
    ----------
    columns
        Process name -> column -> values.
    summaries
        Process name -> its numbers, which become attributes such as ``Signal.n_generated``.
    attributes
        Further attributes of the file.
    """
    about: dict[str, str | float] = {
        "sample": sample.name,
        "title": sample.title,
        "luminosity_fb": LUMINOSITY_FB,
        **attributes,
        **{f"{package}_version": package_version(package) for package in PACKAGES},
    }
    for process in sample.processes:
        summary = summaries[process.name]
        lines = (*sample.settings, *process.settings, *(line for decay in process.decays for line in decay))
        about |= {
            f"{process.dataset}.title": process.title,
            f"{process.dataset}.n_generated": summary.n_generated,
            f"{process.dataset}.n_selected": summary.n_selected,
            f"{process.dataset}.cross_section_pb": summary.cross_section_pb,
            f"{process.dataset}.generator_settings": "\n".join(lines),
        }
    if sample.layout == "tree":
        _write_tree(path, sample, columns, about)
        return
    # Imported here: writing brings in h5py, and `rapidity --help` should not wait for it.
    from rapidity.data.writers import write_compound_hdf5

    datasets: Any = {process.dataset: columns[process.name] for process in sample.processes}
    units = {name: column.unit for name, column in sample.columns.items()}
    write_compound_hdf5(path, datasets, about, units=units)


def _write_tree(
    path: Path, sample: Sample, columns: Mapping[str, EventColumns], about: Mapping[str, str | float]
) -> None:
    """Write the events of all processes, one process after another, into the tree ``events``."""
    from rapidity.data.writers import OutputColumn
    from rapidity.data.writers.root import open_root_writer

    layout = {
        "event_number": OutputColumn("int64"),
        "process": OutputColumn("int32"),
        sample.weight: OutputColumn("float64"),
        **{
            name: OutputColumn(
                column.dtype,
                unit=column.unit or None,
                collection=column.collection,
                is_jagged=bool(column.collection),
            )
            for name, column in sample.columns.items()
        },
    }
    texts = {name: str(value) for name, value in about.items()}
    with open_root_writer(path, columns=layout, table="events", attributes=texts) as writer:
        for process in sample.processes:
            events: Any = dict(columns[process.name])
            # Numbers of different processes must differ. A round offset leaves the last digits as they are.
            events["event_number"] = events["event_number"] + process.code * EVENT_NUMBERS_OF_PROCESS
            events["process"] = np.full(len(events["event_number"]), process.code)
            for start in range(0, len(events["process"]), ROWS_OF_CHUNK):
                chunk: Any = take_events(events, slice(start, start + ROWS_OF_CHUNK))
                writer.write(chunk)


def package_version(package: str) -> str:
    """Return the version of an installed package, or ``unknown``."""
    try:
        return version(package)
    except PackageNotFoundError:
        # A generator built from source has no entry among the installed packages.
        return "unknown"
