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
from rapidity.samples.pythia import SEED_STOP, PythiaGenerator

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rapidity.samples.sample import Process, Sample

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
    """

    sample: str
    process: str
    block: int
    seed: int
    underlying_event: bool
    n_wanted: int


@dataclass(frozen=True)
class Block:
    """The selected events of a block.

    Attributes
    ----------
    features
        ``(n_selected, n_columns)`` float64.
    event_number
        Number of each event among all generated ones of its process, from 0 ``(n_selected,)``.
    cross_section_pb
        Pythia's estimate after each chunk ``(n_chunks,)``.
    """

    features: NDArray[np.float64]
    event_number: NDArray[np.int64]
    cross_section_pb: NDArray[np.float64]

    @property
    def n_selected(self) -> int:
        """Number of selected events."""
        return len(self.event_number)


def generate_block(sample: Sample, process: Process, task: BlockTask) -> Block:
    """Return the block that `task` describes."""
    purpose = (sample.name, process.name, task.block)
    pythia_seed = int(make_generator(task.seed, *purpose, "pythia").integers(1, SEED_STOP))
    rng = make_generator(task.seed, *purpose, "detector")
    generator = PythiaGenerator(
        (*sample.settings, *process.settings), pythia_seed, underlying_event=task.underlying_event
    )
    features, event_numbers, cross_sections = [], [], []
    n_selected = 0
    for chunk in range(CHUNKS_PER_BLOCK):
        chunk_features, selected = sample.reconstruct(generator.generate(CHUNK_SIZE), rng)
        features.append(chunk_features)
        event_numbers.append(task.block * BLOCK_SIZE + chunk * CHUNK_SIZE + selected)
        cross_sections.append(generator.cross_section_pb)
        n_selected += len(selected)
        if n_selected >= task.n_wanted:
            break
    return Block(np.concatenate(features), np.concatenate(event_numbers), np.array(cross_sections))
