"""What `preparation.split.by` made of unusual columns.

A text column ended in a TypeError of Python. A column called `row_number` took the place of the documented
number of the row, but only if it was a feature as well.
"""

from __future__ import annotations

import numpy as np
import pytest

from rapidity.config.preparation import SplitBy
from rapidity.core.classes import ClassSet
from rapidity.core.errors import DataError
from rapidity.data.split import split_events
from rapidity.data.table import Table

N_EVENTS = 12


def make_table(columns):
    return Table(
        columns=columns,
        files=("a.csv",),
        source_file=np.zeros(N_EVENTS, dtype=np.int32),
        source_entry=np.arange(N_EVENTS),
        sample=np.zeros(N_EVENTS, dtype=np.int32),
        classes=ClassSet(("a", "b")),
        class_index=np.arange(N_EVENTS) // 3 % 2,
        event_weight=None,
        fixed_split=np.full(N_EVENTS, -1, dtype=np.int8),
    )


def test_text_in_an_expression_is_refused():
    table = make_table({"tag": np.array(["a", "b"] * (N_EVENTS // 2), dtype=object)})
    config = SplitBy(by="tag % 2", validation=(1,), test=())
    with pytest.raises(DataError, match=r"computes with tag, which holds text.*split: \{column: tag\}"):
        split_events(table, config)


def test_row_number_is_always_that_of_the_row():
    table = make_table({"row_number": np.zeros(N_EVENTS, dtype=np.float32)})
    splits = split_events(table, SplitBy(by="row_number % 3", validation=(1,), test=(2,)))
    assert splits.codes.tolist() == [0, 1, 2] * (N_EVENTS // 3)
