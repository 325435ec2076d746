"""`generate`: from the name of a sample to a file, on all processors, the same for a seed."""

from __future__ import annotations

import time
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rapidity.core.errors import ConfigError
from rapidity.core.processors import default_workers
from rapidity.core.progress import SilentProgress
from rapidity.core.registry import Registry
from rapidity.samples.blocks import BLOCK_SIZE, CHUNK_SIZE, Block, BlockTask
from rapidity.samples.catalogue import ALL_SAMPLES, IMAGE_SAMPLES, JET_SAMPLES, TRACK_SAMPLES
from rapidity.samples.event_columns import concatenate_columns, take_events
from rapidity.samples.images import generate_images
from rapidity.samples.jet_generation import generate_jets, jet_files
from rapidity.samples.jet_sample import JetSample
from rapidity.samples.ordered_blocks import check_numbers
from rapidity.samples.output import check_path, write_sample
from rapidity.samples.pythia import check_generators
from rapidity.samples.sample import ImageSample, ProcessSummary, Sample, SampleSummary, TrackSample
from rapidity.samples.simulated_rows import RowOptions
from rapidity.samples.tracks import generate_tracks
from rapidity.samples.workers import InlinePool, WorkerPool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rapidity.core.progress import Progress, Task
    from rapidity.samples.jet_sample import JetSampleSummary
    from rapidity.samples.sample import (
        EventColumns,
        ImageSampleSummary,
        Process,
        TrackSampleSummary,
    )

FIRST_GUESS_OF_EFFICIENCY = 0.4


def generate(  # noqa: PLR0913 - each argument is an option of the verb
    name: str,
    path: Path | str,
    *,
    n_events: int,
    seed: int,
    underlying_event: bool = False,
    selection: str | None = None,
    labelled: bool = True,
    workers: int | None = None,
    progress: Progress | None = None,
) -> SampleSummary | TrackSampleSummary | ImageSampleSummary | JetSampleSummary:
    """Generate a sample and write it.

    Parameters
    ----------
    name
        A key of `ALL_SAMPLES`.
    path
        File to write; it appears whole or not at all. Collisions: HDF5 with one compound dataset a
        process, ending in ``.h5``, ``.hdf5`` or ``.hdf``; `tth_bb`: one tree in a ``.root`` file. Tracks:
        ``.csv``, ``.csv.gz``, ``.parquet`` or ``.h5``, one table. Images: HDF5. Jets: ``.parquet``
        for images, with clouds in a ``.h5`` beside it, or ``.h5`` for clouds alone.
    n_events
        Number of rows, all classes together, in equal parts (up to one). Of collisions: of *selected*
        events.
    seed
        From 0 to 2**63 - 1. The events depend on it, on `underlying_event` and on the versions of
        Pythia and FastJet (tracks and images: of NumPy); not on `workers`, and the events of a smaller sample
        begin a larger one.
    underlying_event
        Simulate multiple parton interactions: about six times slower. Collisions only.
    selection
        Which events are kept: a name from the `selections` of the sample; None for the first of them.
        Collisions only.
    labelled
        Write the class of each row; False for a file to predict on. Not of collisions.
    workers
        Processes (tracks and images: threads) to use; None for one a processor, 1 for this process alone.
    progress
        What shows the work; None for silence.

    Raises
    ------
    ConfigError
        If there is no such sample, or an option does not apply to it.
    DataError
        If a number makes no sense or the file cannot be written.
    EngineError
        If Pythia 8 or FastJet is needed and not installed.
    """
    sample = ALL_SAMPLES.get_variant(name)
    if not isinstance(sample, Sample):
        if selection is not None:
            message = f"sample '{name}' has no selection '{selection}': it is kept whole. Leave it out"
            raise ConfigError(message)
        options = RowOptions(n_events, seed, labelled, workers)
        return _generate_rows(sample, path, options, progress, underlying_event=underlying_event)
    if not labelled:
        message = (
            f"sample '{name}' cannot be written without classes: each is a dataset of its own. "
            f"Those that can: {', '.join((*TRACK_SAMPLES, *IMAGE_SAMPLES, *JET_SAMPLES))}"
        )
        raise ConfigError(message)
    selections = Registry(f"selection of {name}", sample.selections)
    if selection is not None:
        selections.get_variant(selection)
    wanted = _Options(n_events, seed, underlying_event, workers, selection or sample.default_selection)
    return _generate_events(sample, Path(path), wanted, progress or SilentProgress())


def files_of(name: str, path: Path | str) -> tuple[Path, ...]:
    """Return the files that `generate` writes for a sample.

    Raises
    ------
    ConfigError
        If there is no such sample.
    DataError
        If the name of a file of jets ends in something else than it can.
    """
    sample = ALL_SAMPLES.get_variant(name)
    return jet_files(path) if isinstance(sample, JetSample) else (Path(path),)


def _generate_rows(
    sample: TrackSample | ImageSample | JetSample,
    path: Path | str,
    options: RowOptions,
    progress: Progress | None,
    *,
    underlying_event: bool,
) -> TrackSampleSummary | ImageSampleSummary | JetSampleSummary:
    if underlying_event:
        reason = {
            TrackSample: "has no underlying event: it is made of single tracks",
            ImageSample: "has no underlying event: it is made of single particles",
            JetSample: "has its underlying event always",
        }[type(sample)]
        message = f"sample '{sample.name}' {reason}. Leave it out"
        raise ConfigError(message)
    if isinstance(sample, TrackSample):
        return generate_tracks(sample, path, options, progress)
    if isinstance(sample, ImageSample):
        return generate_images(sample, path, options, progress)
    return generate_jets(sample, path, options, progress)


@dataclass(frozen=True)
class _Options:
    n_events: int
    seed: int
    underlying_event: bool
    workers: int | None
    selection: str


def _generate_events(sample: Sample, file: Path, options: _Options, progress: Progress) -> SampleSummary:
    start = time.monotonic()
    name, n_events, seed = sample.name, options.n_events, options.seed
    n_workers = default_workers() if options.workers is None else options.workers
    check_numbers(sample.name, "events", n_events, seed, n_workers, fewest=len(sample.processes))
    check_path(file, sample.layout)
    check_generators(name)
    n_processes = len(sample.processes)
    states = [
        _ProcessState(process, n_wanted=n_events // n_processes + (index < n_events % n_processes))
        for index, process in enumerate(sample.processes)
    ]
    pool = InlinePool() if n_workers == 1 else WorkerPool(n_workers)
    title = f"Generating {name}"
    with pool, progress.task(title, total=n_events, unit="event") as task:
        _run_blocks(pool, _Plan(sample, states, options), n_workers, task)
    summaries = {state.process.name: state.summarise() for state in states}
    write_sample(
        file,
        sample,
        {state.process.name: state.collect(sample.weight) for state in states},
        summaries,
        {"seed": seed, "underlying_event": options.underlying_event, "selection": options.selection},
    )
    return SampleSummary(name, file, summaries, n_workers, time.monotonic() - start)


@dataclass
class _ProcessState:
    """The blocks of one process as they come in; used in their order, whatever order they came in."""

    process: Process
    n_wanted: int
    blocks: dict[int, Block] = field(default_factory=dict)
    n_submitted: int = 0
    used: list[Block] = field(default_factory=list)
    n_found: int = 0

    @property
    def is_complete(self) -> bool:
        return self.n_found >= self.n_wanted

    @property
    def efficiency(self) -> float:
        n_generated = sum(len(block.cross_section_pb) for block in self.blocks.values()) * CHUNK_SIZE
        n_selected = sum(block.n_selected for block in self.blocks.values())
        return n_selected / n_generated if n_generated else FIRST_GUESS_OF_EFFICIENCY

    @property
    def is_enough_under_way(self) -> bool:
        """Whether the blocks that are in and those to come will probably do."""
        n_here = sum(block.n_selected for block in self.blocks.values())
        n_to_come = (self.n_submitted - len(self.blocks)) * BLOCK_SIZE * self.efficiency
        return n_here + n_to_come >= self.n_wanted

    def add(self, number: int, block: Block) -> int:
        """Take in a block; return how many more events can be used than before."""
        self.blocks[number] = block
        before = min(self.n_found, self.n_wanted)
        while not self.is_complete and len(self.used) in self.blocks:
            self.used.append(self.blocks[len(self.used)])
            self.n_found += self.used[-1].n_selected
        return min(self.n_found, self.n_wanted) - before

    def summarise(self) -> ProcessSummary:
        # The stream of generated events ends with the last one used, so the weight of an event is
        # the cross-section over the number of events up to there.
        n_generated = int(self._event_numbers()[-1]) + 1
        estimates, n_behind = [], []
        for number, block in enumerate(self.used):
            n_of_block = min(n_generated - number * BLOCK_SIZE, BLOCK_SIZE)
            # Pythia's estimate after the last chunk of which an event is used: how much further
            # the block was made depends on the number of workers.
            n_chunks = -(-n_of_block // CHUNK_SIZE)
            estimates.append(block.cross_section_pb[n_chunks - 1])
            n_behind.append(n_chunks)
        estimate = float(np.average(estimates, weights=n_behind))
        cross_section_pb = self.process.cross_section_pb
        return ProcessSummary(
            n_generated, self.n_wanted, estimate if cross_section_pb is None else cross_section_pb
        )

    def collect(self, weight: str) -> EventColumns:
        """Return the columns of the file; that of the event weights is called `weight`."""
        columns = concatenate_columns(block.columns for block in self.used)
        return {
            **take_events(columns, slice(self.n_wanted)),
            "event_number": self._event_numbers(),
            weight: np.full(self.n_wanted, self.summarise().event_weight),
        }

    def _event_numbers(self) -> np.ndarray:
        return np.concatenate([block.event_number for block in self.used])[: self.n_wanted]


@dataclass
class _Plan:
    """Decides which block comes next."""

    sample: Sample
    states: list[_ProcessState]
    options: _Options

    def next_tasks(self) -> Iterator[tuple[_ProcessState, BlockTask]]:
        """Yield tasks in the order of processes until enough is probably under way."""
        for state in self.states:
            while not state.is_complete and not state.is_enough_under_way:
                task = BlockTask(
                    self.sample.name,
                    state.process.name,
                    state.n_submitted,
                    self.options.seed,
                    self.options.underlying_event,
                    state.n_wanted - state.n_found,
                    self.options.selection,
                )
                state.n_submitted += 1
                yield state, task


def _run_blocks(pool: InlinePool | WorkerPool, plan: _Plan, n_workers: int, task: Task) -> None:
    """Keep every worker busy until each process has its events."""
    under_way: dict[Future[Block], tuple[_ProcessState, int]] = {}
    while not all(state.is_complete for state in plan.states):
        for state, block_task in plan.next_tasks():
            under_way[pool.submit(block_task)] = (state, block_task.block)
            if len(under_way) >= n_workers:
                break
        done, _ = wait(under_way, return_when=FIRST_COMPLETED)
        for future in done:
            state, number = under_way.pop(future)
            n_new = state.add(number, future.result())
            task.advance(n_new)
