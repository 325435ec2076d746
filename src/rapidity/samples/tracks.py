"""Samples of tracks: block after block into a file of any writable format, in flat memory.

The random numbers of a block follow from the seed and the number of the block, and blocks are written
in their order: any number of workers gives the same rows. The work is NumPy's, which leaves Python to
the other threads, so workers are threads.
"""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.progress import SilentProgress
from rapidity.core.random import make_generator
from rapidity.samples.ordered_blocks import blocks_in_order, check_numbers
from rapidity.samples.output import check_place, package_version
from rapidity.samples.sample import TrackSampleSummary
from rapidity.samples.workers import default_workers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from rapidity.core.progress import Progress
    from rapidity.data.writers import OutputColumn
    from rapidity.samples.sample import TrackSample

    Block = dict[str, NDArray[Any]]

BLOCK_SIZE = 12_000
"""Tracks; a multiple of the number of classes. Some 100 MB while a block is made."""


def generate_tracks(
    sample: TrackSample,
    path: Path | str,
    *,
    n_tracks: int,
    seed: int,
    labelled: bool = True,
    workers: int | None = None,
    progress: Progress | None = None,
) -> TrackSampleSummary:
    """Simulate tracks and write them as CSV (also gzipped), Parquet or HDF5, by the suffix.

    Each class has the same number of tracks (up to one), in random order.

    Parameters
    ----------
    n_tracks
        Rows of the file. A smaller sample is the beginning of a larger one.
    labelled
        Write the class of each track; else, in its place, a running number from 0. The rows are the
        same.
    workers
        Threads; None for one a processor. The file does not depend on it.

    Raises
    ------
    DataError
        If a number makes no sense or the file cannot be written.
    """
    from rapidity.data.writers import open_writer

    start = time.monotonic()
    n_workers = default_workers() if workers is None else workers
    check_numbers(sample.name, "events (tracks)", n_tracks, seed, n_workers)
    file = Path(path)
    counts = np.zeros(len(sample.classes), dtype=np.int64)
    writer = open_writer(file, columns=_layout(sample, labelled=labelled), attributes=_about(sample, seed))
    check_place(file)
    title = f"Generating {sample.name}"
    with (progress or SilentProgress()).task(title, total=n_tracks, unit="track") as task, writer:
        for block in _blocks(sample, n_tracks, seed, n_workers):
            class_index = block.pop(sample.target)
            counts += np.bincount(class_index, minlength=len(counts))
            identity = np.arange(writer.n_entries, writer.n_entries + len(class_index), dtype=np.int64)
            extra = {sample.target: class_index} if labelled else {sample.identifier: identity}
            writer.write({**block, **extra})
            task.advance(len(class_index))
    n_of_class = dict(zip(sample.classes, counts.tolist(), strict=True))
    return TrackSampleSummary(sample.name, file, n_of_class, n_workers, time.monotonic() - start)


def make_block(sample: TrackSample, seed: int, number: int) -> Block:
    """Return the columns and the classes (as indices) of one block; each class in every group of six."""
    rng = make_generator(seed, sample.name, number)
    n_classes = len(sample.classes)
    groups = np.tile(np.arange(n_classes), (BLOCK_SIZE // n_classes, 1))
    class_index = rng.permuted(groups, axis=1).ravel()
    return {**sample.simulate(class_index, rng), sample.target: class_index}


def _blocks(sample: TrackSample, n_tracks: int, seed: int, n_workers: int) -> Iterator[Block]:
    """Yield blocks in order, the last one cut."""
    n_left = n_tracks
    for block in blocks_in_order(partial(make_block, sample, seed), -(-n_tracks // BLOCK_SIZE), n_workers):
        yield {name: values[:n_left] for name, values in block.items()}
        n_left -= BLOCK_SIZE


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
