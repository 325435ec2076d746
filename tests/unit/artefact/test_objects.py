"""Columns of objects on their way into a model."""

from __future__ import annotations

import numpy as np
import pytest

from rapidity.artefact.objects import (
    OBJECTS_IN_A_BATCH,
    PAIRS_IN_A_BATCH,
    as_jagged,
    cut_into_batches,
    pad_objects,
)
from rapidity.core.errors import DataError, MissingNameError
from rapidity.core.jagged import Jagged

JETS = Jagged.from_counts(np.array([1.0, 2.0, 3.0]), np.array([2, 0, 1]))
PADDED = np.array([[1.0, 2.0], [-7.0, -7.0], [3.0, -7.0]])


def test_padded_arrays_are_read_up_to_their_counts():
    found = as_jagged("jet_pt", PADDED, {"n_jets": np.array([2, 0, 1])}, "n_jets")
    assert found.content.tolist() == [1, 2, 3]
    assert found.counts.tolist() == [2, 0, 1]
    assert as_jagged("jet_pt", JETS, {}, "n_jets") is JETS


def test_padded_arrays_need_their_counts():
    with pytest.raises(
        MissingNameError, match=r"'jet_pt' is given as an array of shape \(3, 2\), so .*'n_jets'"
    ):
        as_jagged("jet_pt", PADDED, {}, "n_jets")


@pytest.mark.parametrize("values", [np.zeros(3), np.zeros((3, 2, 2)), np.array([["a"]]), [[None]]])
def test_other_arrays_are_refused(values):
    with pytest.raises(DataError, match=r"column 'jet_pt' must hold numbers for each object"):
        as_jagged("jet_pt", values, {"n_jets": np.zeros(3)}, "n_jets")


@pytest.mark.parametrize("count", [3, -1, 0.5, np.nan])
def test_counts_must_fit(count):
    message = r"column 'n_jets' is .* in row 1, but 'jet_pt' holds 2 values an event: expected .* 0 to 2"
    with pytest.raises(DataError, match=message):
        as_jagged("jet_pt", PADDED, {"n_jets": np.array([2, count, 1])}, "n_jets")


def test_counts_must_be_as_many_as_events():
    with pytest.raises(DataError, match=r"'n_jets' must hold one number for each of the 3 events"):
        as_jagged("jet_pt", PADDED, {"n_jets": np.array([2, 1])}, "n_jets")


@pytest.mark.parametrize("has_pairs", [False, True])
def test_batches_are_all_rows_once(has_pairs):
    rng = np.random.default_rng(3)
    counts = rng.integers(0, 200, 5000)
    counts[1234] = 5000
    tracks = Jagged.from_counts(np.zeros(counts.sum(), np.float32), counts)
    batches = list(cut_into_batches(5000, 4096, {"track_pt": tracks}, has_pairs=has_pairs))
    assert [rows.start for rows in batches] == [0, *(rows.stop for rows in batches[:-1])]
    assert batches[-1].stop == 5000
    for rows in batches:
        size, width = rows.stop - rows.start, counts[rows].max()
        fits = size * width <= OBJECTS_IN_A_BATCH
        if has_pairs:
            fits &= size * width**2 <= PAIRS_IN_A_BATCH
        assert fits or size == 1
    assert len(batches) < (500 if has_pairs else 30)


def test_batches_without_objects_have_the_size_asked_for():
    nothing = Jagged(np.empty(0), np.zeros(11, np.int64))
    assert [(r.start, r.stop) for r in cut_into_batches(10, 6, {"x": nothing})] == [(0, 6), (6, 10)]


def test_padding_keeps_types_and_leaves_a_place():
    batch = {"jet_pt": JETS.astype(np.float32), "jet_eta": JETS, "met": np.zeros(3)}
    fed = pad_objects(batch, {"n_jets": ["jet_pt", "jet_eta"]})
    assert fed["jet_pt"].dtype == np.float32
    assert fed["jet_eta"].tolist() == [[1, 2], [0, 0], [3, 0]]
    assert fed["n_jets"].dtype == np.int64
    empty = pad_objects({"jet_pt": JETS[1:2]}, {"n_jets": ["jet_pt"]})
    assert empty["jet_pt"].shape == (1, 1)
    assert empty["n_jets"].tolist() == [0]
