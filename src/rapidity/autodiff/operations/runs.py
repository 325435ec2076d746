"""How NumPy goes through arrays whose rows do not follow each other in memory."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

BUFFER_VALUES = 256


@contextmanager
def in_long_runs() -> Iterator[None]:
    """Have NumPy work on rows of some hundred values in place.

    By default it first copies rows shorter than its buffer (8192 values) into that buffer, for a shifted
    view of images or a row that is added to all others, which takes as long as the arithmetic; with a buffer
    shorter than the rows it does not. The size holds for the current context only and is put back.

    Examples
    --------
    >>> with in_long_runs():
    ...     np.getbufsize()
    256
    >>> np.getbufsize()
    8192
    """
    before = np.setbufsize(BUFFER_VALUES)
    try:
        yield
    finally:
        np.setbufsize(before)
