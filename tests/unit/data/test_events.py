"""Going through the events of new files."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rapidity.core.errors import DataError, MissingNameError
from rapidity.data.events import iterate_events


def test_chunks_say_where_their_events_are(write_csv: Any) -> None:
    files = [write_csv("a.csv", x=[1, 2, 3], y=[0, 0, 0]), write_csv("b.csv", x=[4])]
    chunks = list(iterate_events(files, {"x": np.float32}, chunk_size=2))
    assert [(chunk.file.name, chunk.first_entry, chunk.n_events) for chunk in chunks] == [
        ("a.csv", 0, 2),
        ("a.csv", 2, 1),
        ("b.csv", 0, 1),
    ]
    assert np.concatenate([chunk.columns["x"] for chunk in chunks]).tolist() == [1, 2, 3, 4]
    assert all(set(chunk.columns) == {"x"} for chunk in chunks)


def test_missing_column_is_named(write_csv: Any) -> None:
    with pytest.raises(MissingNameError, match="'jet_pt' is not in"):
        list(iterate_events([write_csv("a.csv", jet_pT=[1.0])], {"jet_pt": np.float32}))


def test_no_column_is_an_error(write_csv: Any) -> None:
    with pytest.raises(DataError, match="no column was asked for"):
        list(iterate_events([write_csv("a.csv", x=[1.0])], {}))
