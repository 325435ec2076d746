"""Samples of tracks: block after block into a file of any writable format, in flat memory."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rapidity.samples.output import check_place, package_version
from rapidity.samples.sample import TrackSampleSummary
from rapidity.samples.simulated_rows import write_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from rapidity.core.progress import Progress
    from rapidity.data.writers import OutputColumn
    from rapidity.samples.sample import TrackSample
    from rapidity.samples.simulated_rows import RowOptions

BLOCK_SIZE = 12_000
"""Tracks; a multiple of the number of classes. Some 100 MB while a block is made."""


def generate_tracks(
    sample: TrackSample, path: Path | str, options: RowOptions, progress: Progress | None = None
) -> TrackSampleSummary:
    """Simulate tracks and write them as CSV (also gzipped), Parquet or HDF5, by the suffix.

    Raises
    ------
    DataError
        If a number makes no sense or the file cannot be written.
    """
    from rapidity.data.writers import open_writer

    start = time.monotonic()
    options.check(sample, "tracks")
    file = Path(path)
    layout = _layout(sample, labelled=options.labelled)
    writer = open_writer(file, columns=layout, attributes=_about(sample, options.seed))
    check_place(file)

    def write(
        class_index: NDArray[np.int64], columns: Mapping[str, NDArray[Any]], number: NDArray[np.int64]
    ) -> None:
        taken = {name: values[: len(class_index)] for name, values in columns.items()}
        taken |= {sample.target: class_index} if options.labelled else {sample.identifier: number}
        writer.write(taken)

    with writer:
        n_of_class = write_rows(sample, options, BLOCK_SIZE, write, "track", progress)
    return TrackSampleSummary(sample.name, file, n_of_class, options.n_workers, time.monotonic() - start)


def _layout(sample: TrackSample, *, labelled: bool) -> dict[str, OutputColumn]:
    from rapidity.data.writers import OutputColumn

    layout = {name: OutputColumn("f8", unit=unit or None) for name, unit in sample.columns.items()}
    layout[sample.target] = OutputColumn("i8", class_names=sample.classes)
    names = {sample.target: sample.target if labelled else sample.identifier}
    if not labelled:
        layout[sample.identifier] = OutputColumn("i8")
    ordered = [names.get(name, name) for name in sample.order]
    return {name: layout[name] for name in ordered}


def _about(sample: TrackSample, seed: int) -> dict[str, str]:
    versions = {f"{package}_version": package_version(package) for package in ("rapidity", "numpy")}
    return {"sample": sample.name, "title": sample.title, "seed": str(seed), **versions}
