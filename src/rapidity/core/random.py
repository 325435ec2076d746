"""Random numbers: every stream is made from the seed of the run and the purpose it serves.

Streams of different purposes are independent, and the stream of epoch 7 does not depend on whether
epochs 1 to 6 ran in this process: that is what makes a resumed run equal to an uninterrupted one.
"""

from __future__ import annotations

import hashlib

import numpy as np


def make_generator(seed: int, *purpose: str | int) -> np.random.Generator:
    """Return the generator of one purpose, for instance ``make_generator(1, "shuffle", epoch)``.

    Examples
    --------
    >>> a, b = make_generator(1, "split"), make_generator(1, "split")
    >>> bool(a.random() == b.random())
    True
    >>> bool(make_generator(1, "dropout", 3).random() == make_generator(1, "dropout", 4).random())
    False
    """
    digest = hashlib.sha256(repr(purpose).encode()).digest()
    return np.random.default_rng([seed, *np.frombuffer(digest[:16], dtype=np.uint32).tolist()])
