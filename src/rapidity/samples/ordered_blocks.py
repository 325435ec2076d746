"""Blocks of tracks or images, made by threads and handed over in their order.

The random numbers of a block follow from the seed and the number of the block, so that any number of workers
gives the same rows. The work is NumPy's, which leaves Python to the other threads.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from rapidity.core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Block = TypeVar("Block")

MAX_WORKERS = 1024
MAX_INTEGER = 2**63 - 1
"""The largest that the files can hold."""


def blocks_in_order(make: Callable[[int], Block], n_blocks: int, n_workers: int) -> Iterator[Block]:
    """Yield ``make(0)``, ``make(1)``, ...; no more are under way than there are workers.

    Examples
    --------
    >>> list(blocks_in_order(lambda number: number**2, 4, n_workers=2))
    [0, 1, 4, 9]
    """
    numbers = iter(range(n_blocks))
    with ThreadPoolExecutor(n_workers, thread_name_prefix="generate") as pool:
        under_way: deque[Future[Block]] = deque(
            pool.submit(make, number) for number in islice(numbers, n_workers)
        )
        while under_way:
            block = under_way.popleft().result()
            under_way.extend(pool.submit(make, number) for number in islice(numbers, 1))
            yield block


def check_numbers(sample: str, rows: str, n_rows: int, seed: int, n_workers: int, fewest: int = 1) -> None:
    """Raise DataError if a number makes no sense.

    `rows` says what `n_rows` counts; a sample has `fewest` of them at least.
    """
    problems = [
        f"{what} is {found}; give {lowest} to {highest}"
        for what, found, lowest, highest in (
            (f"the number of {rows}", n_rows, fewest, MAX_INTEGER),
            ("the seed", seed, 0, MAX_INTEGER),
            ("the number of workers", n_workers, 1, MAX_WORKERS),
        )
        if not lowest <= found <= highest
    ]
    if problems:
        message = f"cannot generate sample '{sample}': {'. '.join(problems)}"
        raise DataError(message)
