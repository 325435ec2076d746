from __future__ import annotations

import numpy as np

from rapidity.core.random import make_generator


def test_streams_of_different_purposes_are_different():
    purposes = [("split",), ("shuffle", 1), ("shuffle", 2), ("shuffle", "1"), ("shuffle/int:1",)]
    draws = {make_generator(1, *purpose).random() for purpose in purposes}
    assert len(draws) == len(purposes)


def test_drawing_from_one_stream_leaves_the_others_alone():
    first = make_generator(3, "dropout", 7).random(5)
    make_generator(3, "dropout", 6).random(1000)
    np.testing.assert_array_equal(make_generator(3, "dropout", 7).random(5), first)


def test_value_is_the_same_on_every_machine():
    assert make_generator(1, "split").integers(2**32) == 218156116
