"""What samples of tracks and of images share: rows of mixed classes, block after block, in flat memory.

The random numbers of a block follow from the seed and the number of the block, and blocks are written
in their order: any number of workers gives the same rows. The work is NumPy's, which leaves Python to
the other threads, so workers are threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np

from rapidity.core.processors import default_workers
from rapidity.core.progress import SilentProgress
from rapidity.core.random import make_generator
from rapidity.samples.ordered_blocks import blocks_in_order, check_numbers

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from rapidity.core.progress import Progress

    Indices = NDArray[np.int64]

Values = TypeVar("Values")
"""What is simulated for the rows of a block: columns of tracks, or images."""
Values_co = TypeVar("Values_co", covariant=True)


class RowSample(Protocol[Values_co]):
    """A sample whose rows have a class each, and are simulated from it."""

    @property
    def name(self) -> str:
        """Its name, from which the random numbers follow too."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of its classes."""

    @property
    def simulate(self) -> Callable[[Indices, np.random.Generator], Values_co]:
        """What makes rows from their classes, given as indices."""


@dataclass(frozen=True)
class RowOptions:
    """Which rows of a sample are asked for.

    Attributes
    ----------
    n_rows
        A smaller sample is the beginning of a larger one. Each class has the same number of rows (up to
        one), in random order.
    labelled
        Write the class of each row; else, in its place, a running number from 0. The rows are the same.
    workers
        Threads; None for one a processor. The file does not depend on it.
    """

    n_rows: int
    seed: int
    labelled: bool = True
    workers: int | None = None

    @property
    def n_workers(self) -> int:
        """How many threads work."""
        return default_workers() if self.workers is None else self.workers

    def check(self, sample: RowSample[Any], rows: str) -> None:
        """Raise DataError if a number makes no sense; `rows` says what is counted."""
        check_numbers(sample.name, f"events ({rows})", self.n_rows, self.seed, self.n_workers)


def make_block(sample: RowSample[Values], seed: int, block_size: int, number: int) -> tuple[Indices, Values]:
    """Return the classes (as indices) and the rows of one block; each class once in every group.

    `block_size` is a multiple of the number of classes.
    """
    rng = make_generator(seed, sample.name, number)
    n_classes = len(sample.classes)
    groups = np.tile(np.arange(n_classes), (block_size // n_classes, 1))
    class_index = rng.permuted(groups, axis=1).ravel()
    return class_index, sample.simulate(class_index, rng)


def write_rows(
    sample: RowSample[Values],
    options: RowOptions,
    block_size: int,
    write: Callable[[Indices, Values, Indices], None],
    unit: str,
    progress: Progress | None,
) -> dict[str, int]:
    """Make the rows and hand them on; return how many each class has.

    Parameters
    ----------
    write
        Takes the classes of some rows, the rows of their block, which may be a few more, and the running
        numbers of the rows.
    unit
        One row, as progress calls it.
    """
    n_of_class = np.zeros(len(sample.classes), dtype=np.int64)
    n_blocks = -(-options.n_rows // block_size)
    make = partial(make_block, sample, options.seed, block_size)
    title = f"Generating {sample.name}"
    n_before = 0
    with (progress or SilentProgress()).task(title, total=options.n_rows, unit=unit) as task:
        for class_index, values in blocks_in_order(make, n_blocks, options.n_workers):
            taken = class_index[: options.n_rows - n_before]
            write(taken, values, np.arange(n_before, n_before + len(taken), dtype=np.int64))
            n_of_class += np.bincount(taken, minlength=len(n_of_class))
            n_before += len(taken)
            task.advance(len(taken))
    return dict(zip(sample.classes, n_of_class.tolist(), strict=True))
