"""A block: a fixed number of generated events of one process with random numbers of its own.

Work is cut into blocks so that a sample is the same bit for bit whatever the number of workers: the
random numbers of a block follow from the seed of the sample, the process and the number of the
block, and blocks are used in their order. Inside, a block is made in chunks, so that the last one
can stop when enough is there; what it makes until then does not depend on where it stops.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rapidity.core.random import make_generator
from rapidity.samples.event_columns import concatenate_columns
from rapidity.samples.particles import interleave
from rapidity.samples.pythia import SEED_STOP, PythiaGenerator

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rapidity.samples.sample import EventColumns, Process, Sample

# Pythia takes 0.2 s to start; a block takes 3 to 5 s, a chunk about 50 MB of memory.
CHUNK_SIZE = 500
CHUNKS_PER_BLOCK = 8
BLOCK_SIZE = CHUNK_SIZE * CHUNKS_PER_BLOCK


@dataclass(frozen=True)
class BlockTask:
    """What a worker is asked for.

    Attributes
    ----------
    block
        Number of the block, from 0.
    n_wanted
        Selected events that are still useful; the block stops after the chunk that reaches it.
    selection
        Which of the sample's selections.
    """

    sample: str
    process: str
    block: int
    seed: int
    underlying_event: bool
    n_wanted: int
    selection: str


@dataclass(frozen=True)
class Block:
    """The selected events of a block.

    Attributes
    ----------
    columns
        What the file has of the selected events.
    event_number
        Number of each event among all generated ones of its process, from 0 ``(n_selected,)``.
    cross_section_pb
        Pythia's estimate after each chunk ``(n_chunks,)``.
    """

    columns: EventColumns
    event_number: NDArray[np.int64]
    cross_section_pb: NDArray[np.float64]

    @property
    def n_selected(self) -> int:
        """Number of selected events."""
        return len(self.event_number)


def generate_block(sample: Sample, process: Process, task: BlockTask) -> Block:
    """Return the block that `task` describes."""
    purpose = (sample.name, process.name, task.block)
    rng = make_generator(task.seed, *purpose, "detector")
    generators = [
        PythiaGenerator(
            (*sample.settings, *process.settings, *decays),
            int(make_generator(task.seed, *purpose, "pythia", *number).integers(1, SEED_STOP)),
            underlying_event=task.underlying_event,
        )
        for decays, number in zip(process.decays, _numbers(process), strict=True)
    ]
    reconstruct = sample.selections[task.selection]
    columns, event_numbers, cross_sections = [], [], []
    n_selected = 0
    for chunk in range(CHUNKS_PER_BLOCK):
        # The final states are equally frequent, and take turns.
        record = interleave(
            [generator.generate_record(CHUNK_SIZE // len(generators)) for generator in generators]
        )
        chunk_columns, selected = reconstruct(record, rng)
        columns.append(chunk_columns)
        event_numbers.append(task.block * BLOCK_SIZE + chunk * CHUNK_SIZE + selected)
        cross_sections.append(sum(generator.cross_section_pb for generator in generators))
        n_selected += len(selected)
        if n_selected >= task.n_wanted:
            break
    return Block(concatenate_columns(columns), np.concatenate(event_numbers), np.array(cross_sections))


def _numbers(process: Process) -> list[tuple[int, ...]]:
    """Return what tells the random numbers of the final states of a process apart: nothing for the first."""
    return [() if number == 0 else (number,) for number in range(len(process.decays))]
