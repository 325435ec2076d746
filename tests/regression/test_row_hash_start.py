"""Rows of different samples must not share a hash because of their small event numbers."""

from __future__ import annotations

import numpy as np

from rapidity.data.row_hash import hash_rows


def test_small_numbers_of_different_samples_have_different_hashes():
    # The sample index was only XORed with the event number, so (1, 6) and (0, 7) were the same event.
    sample = np.repeat(np.arange(4, dtype=np.uint64), 1000)
    event_number = np.tile(np.arange(1000), 4)
    assert len(np.unique(hash_rows([event_number], start=sample))) == 4000
