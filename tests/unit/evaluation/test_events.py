from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rapidity.core.errors import DataError
from rapidity.evaluation import ALL


def test_a_split_holds_its_labelled_events(make_events):
    events = make_events(n_events=60)
    index = events.class_index.copy()
    index[:10] = -1
    test = replace(events, class_index=index).take_split("test")
    assert test.n_events == int(((events.split == 2) & (index >= 0)).sum())
    assert (test.class_index >= 0).all()


def test_all_takes_every_labelled_event_whatever_its_split(make_events):
    events = make_events(n_events=60)
    assert replace(events, split=np.full(60, -1, dtype=np.int8)).take_split(ALL).n_events == 60


def test_unknown_split_is_named(make_events):
    with pytest.raises(DataError, match=r"unknown split 'tests'\. Known: train, validation, test, all"):
        make_events().take_split("tests")


def test_nan_scores_name_their_rows_and_the_cure(make_events):
    events = make_events(n_events=30)
    logits = events.logits.copy()
    logits[[4, 7]] = np.nan
    with pytest.raises(DataError, match=r"NaN for 2 of 30 events \(rows 4, 7\).*preparation.missing"):
        replace(events, logits=logits)


@pytest.mark.parametrize("name", ["split", "logits", "probabilities", "event_weight"])
def test_lengths_must_agree(make_events, name):
    events = make_events(n_events=30, weighted=True)
    with pytest.raises(DataError, match=f"{name} of the scored events has shape"):
        replace(events, **{name: getattr(events, name)[:-1]})
