"""Samples of jets: images into Parquet and clouds into HDF5, block after block, the same jets in both."""

from __future__ import annotations

import time
from collections import deque
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from rapidity.core.errors import DataError
from rapidity.core.progress import SilentProgress
from rapidity.samples.dijets.blocks import (
    EVENTS_PER_CLASS,
    JETS_PER_BLOCK,
    JetTask,
    generate_jet_block,
    unpack,
)
from rapidity.samples.jet_files import open_clouds, open_images
from rapidity.samples.jet_sample import JetSampleSummary
from rapidity.samples.ordered_blocks import check_numbers
from rapidity.samples.output import check_place
from rapidity.samples.pythia import check_generators
from rapidity.samples.workers import Worker, WorkerPool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rapidity.core.progress import Progress
    from rapidity.samples.dijets.simulation import JetBlock
    from rapidity.samples.jet_sample import JetSample
    from rapidity.samples.simulated_rows import RowOptions

IMAGES, CLOUDS = ".parquet", (".h5", ".hdf5")
WORKER = "rapidity.samples.jet_worker"


def jet_files(path: Path | str) -> tuple[Path, ...]:
    """Return the files that a sample of jets is written to.

    Raises
    ------
    DataError
        If the name ends in something else.

    Examples
    --------
    >>> [file.name for file in jet_files("jets.parquet")], [file.name for file in jet_files("jets.h5")]
    (['jets.parquet', 'jets.h5'], ['jets.h5'])
    """
    path = Path(path)
    if path.suffix.lower() == IMAGES:
        return path, path.with_suffix(CLOUDS[0])
    if path.suffix.lower() in CLOUDS:
        return (path,)
    message = (
        f"cannot write jets to {path}: found the ending '{path.suffix}', expected {IMAGES} (images, and the "
        f"same jets as clouds in a {CLOUDS[0]} beside it) or {', '.join(CLOUDS)} (clouds alone). "
        f"Call it {path.stem}{IMAGES}, for instance"
    )
    raise DataError(message)


def generate_jets(
    sample: JetSample, path: Path | str, options: RowOptions, progress: Progress | None = None
) -> JetSampleSummary:
    """Generate jets and write them.

    A name ending in ``.parquet`` gives images there and clouds in a ``.h5`` beside it, row by row the same
    jets; one ending in ``.h5`` the clouds alone. A smaller sample is the beginning of a larger one.

    Raises
    ------
    DataError
        If a number makes no sense or a file cannot be written.
    EngineError
        If Pythia 8 or FastJet is not installed.
    """
    start = time.monotonic()
    check_numbers(sample.name, "events (jets)", options.n_rows, options.seed, options.n_workers)
    files = jet_files(path)
    for file in files:
        check_place(file)
    check_generators(sample.name)
    n_of_class = np.zeros(len(sample.classes), dtype=np.int64)
    n_generated = 0
    with ExitStack() as opened:
        writers: list[Any] = [opened.enter_context(open_clouds(files[-1], sample, options))]
        if len(files) > 1:
            writers.append(opened.enter_context(open_images(files[0], sample, options)))
        bar = (progress or SilentProgress()).task(f"Generating {sample.name}", options.n_rows, "jet")
        task = opened.enter_context(bar)
        for block in _blocks(sample, options, has_images=len(files) > 1):
            taken = block.first(options.n_rows - int(n_of_class.sum()))
            for writer in writers:
                writer.write(taken)
            n_of_class += np.bincount(taken.kind, minlength=len(n_of_class))
            n_generated += len(sample.classes) * EVENTS_PER_CLASS
            task.advance(taken.n_jets)
    return JetSampleSummary(
        sample.name,
        files[0],
        files,
        dict(zip(sample.classes, n_of_class.tolist(), strict=True)),
        n_generated,
        options.n_workers,
        time.monotonic() - start,
    )


def _blocks(sample: JetSample, options: RowOptions, *, has_images: bool) -> Iterator[JetBlock]:
    """Yield blocks in their order until all jets are there."""
    n_missing = options.n_rows
    pool: _InlinePool | WorkerPool = _InlinePool(sample)
    if options.n_workers > 1:
        pool = WorkerPool(options.n_workers, partial(Worker, WORKER, unpack))
    numbers = count()
    under_way: deque[Future[JetBlock]] = deque()
    with pool:
        while n_missing > 0:
            while len(under_way) < options.n_workers and n_missing > JETS_PER_BLOCK * len(under_way):
                task = JetTask(sample.name, next(numbers), options.seed, has_images)
                under_way.append(pool.submit(task))
            block = under_way.popleft().result()
            n_missing -= block.n_jets
            yield block


@dataclass(frozen=True)
class _InlinePool:
    """Makes blocks in this process, at once."""

    sample: JetSample

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        """Nothing to end."""

    def submit(self, task: JetTask) -> Future[JetBlock]:
        future: Future[JetBlock] = Future()
        future.set_result(generate_jet_block(self.sample, task))
        return future
