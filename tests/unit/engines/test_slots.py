"""Reading and writing the arrays of a native object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from rapidity.core.errors import EngineError
from rapidity.engines.results import ResultArrays
from rapidity.engines.slots import read_parameters, write_parameters


@dataclass
class ArraySlot:
    name: str
    array: Any

    @property
    def shape(self):
        return self.array.shape

    @property
    def is_floating_point(self):
        return self.array.dtype.kind == "f"

    def read(self):
        return self.array.copy()

    def write(self, array):
        self.array[...] = array


def make_slots():
    return [ArraySlot("kernel", np.ones((2, 3))), ArraySlot("n_batches", np.array(4))]


def test_counters_are_no_parameters():
    slots = make_slots()
    found = read_parameters(slots)
    assert list(found) == ["kernel"]
    assert found["kernel"].dtype == np.float32
    found["kernel"][:] = 5
    assert (slots[0].array == 1).all()


def test_counters_are_written_where_a_state_has_them():
    slots = make_slots()
    write_parameters(slots, {"kernel": np.full((2, 3), 2.0)})
    assert slots[1].array == 4
    write_parameters(slots, {"kernel": np.full((2, 3), 2.0), "n_batches": np.array(7)})
    assert (slots[0].array == 2).all()
    assert slots[1].array == 7


def test_arrays_that_do_not_fit_change_nothing():
    slots = make_slots()
    message = r"not those of this model: not known: ghost; wrong shape: kernel \(3, 2\) instead of \(2, 3\)"
    with pytest.raises(EngineError, match=message):
        write_parameters(slots, {"kernel": np.zeros((3, 2)), "ghost": np.zeros(1)})
    assert (slots[0].array == 1).all()


def test_results_are_copies_in_the_order_of_the_batches():
    results, batch = ResultArrays(5), np.arange(6.0).reshape(3, 2)
    results.append({"a": batch, "b": batch[:, 0]})
    batch[:] = -1
    results.append({"a": np.zeros((2, 2)), "b": np.zeros(2)})
    assert results.finish_logits({"a": 2})["a"].tolist() == [[0, 1], [2, 3], [4, 5], [0, 0], [0, 0]]
    assert results.arrays["b"].tolist() == [0, 2, 4, 0, 0]


def test_a_pass_without_events_has_logits_of_no_rows():
    assert ResultArrays(0).finish_logits({"class": 3})["class"].shape == (0, 3)
