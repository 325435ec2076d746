from __future__ import annotations

import threading

import pytest

from rapidity.core.errors import DataError
from rapidity.samples.ordered_blocks import blocks_in_order, check_numbers


def test_blocks_come_in_order_whichever_is_ready_first():
    second_is_done = threading.Event()

    def make(number):
        if number == 0:
            assert second_is_done.wait(10)
        if number == 1:
            second_is_done.set()
        return number

    assert list(blocks_in_order(make, 5, n_workers=2)) == [0, 1, 2, 3, 4]


def test_nothing_more_is_begun_than_there_are_workers():
    begun = []
    blocks = blocks_in_order(begun.append, 100, n_workers=2)
    next(blocks)
    assert max(begun) <= 2
    blocks.close()


def test_a_failure_comes_through():
    def fail(number):
        message = f"block {number}"
        raise ValueError(message)

    with pytest.raises(ValueError, match="block 0"):
        list(blocks_in_order(fail, 3, n_workers=2))


def test_all_numbers_that_make_no_sense_are_told():
    with pytest.raises(DataError, match=r"sample 'a': the number of rows is 0.*the seed is -1.*workers is 0"):
        check_numbers("a", "rows", 0, -1, 0)
