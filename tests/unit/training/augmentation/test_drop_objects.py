"""Objects that are dropped."""

from __future__ import annotations

import numpy as np
import pytest

from rapidity.training.augmentation.drop_objects import Dropping

NAMES = ("jet_pt", "jet_eta", "jet_phi", "jet_m")


@pytest.fixture
def drop(events):
    """Return a function from probability and number kept to events with fewer jets."""

    def run(probability=0.3, keep=0, seed=1):
        columns = {**events, "n_jets": events["jet_pt"].counts.astype(np.float32)}
        Dropping({"jets": NAMES}, {"jets": ["n_jets"]}, probability, keep).apply(
            columns, np.random.default_rng(seed)
        )
        return columns

    return run


def test_objects_that_stay_keep_their_values_and_their_order(events, drop):
    dropped = drop()
    for row in range(len(events["jet_pt"])):
        chosen = [jets[row : row + 1].content for jets in (events["jet_pt"], dropped["jet_pt"])]
        kept = np.flatnonzero(np.isin(*chosen))
        for name in NAMES:
            before, after = events[name][row : row + 1].content, dropped[name][row : row + 1].content
            assert np.array_equal(before[kept], after)


def test_other_columns_are_not_touched(events, drop):
    dropped = drop()
    changed = {name for name in events if dropped[name] is not events[name]}
    assert changed == set(NAMES)


def test_as_many_are_dropped_as_the_probability_says(events, drop):
    n_before, n_after = events["jet_pt"].offsets[-1], drop(0.3)["jet_pt"].offsets[-1]
    # Four standard deviations of the binomial distribution.
    assert n_after == pytest.approx(0.7 * n_before, abs=4 * np.sqrt(0.21 * n_before))


def test_counts_follow_and_columns_share_their_offsets(drop):
    dropped = drop()
    assert np.array_equal(dropped["n_jets"], dropped["jet_pt"].counts)
    assert dropped["n_jets"].dtype == np.float32
    assert all(dropped[name].offsets is dropped["jet_pt"].offsets for name in NAMES)


def test_the_first_objects_can_be_kept(events, drop):
    dropped = drop(0.9, keep=2)
    assert dropped["jet_pt"].counts.min() == 2
    first = [jets.padded(2) for jets in (events["jet_pt"], dropped["jet_pt"])]
    assert np.array_equal(*first)


def test_an_event_may_lose_all(drop):
    assert drop(0.9)["jet_pt"].counts.min() == 0
