"""Raw columns of the training events, prepared once more after a change."""

from __future__ import annotations

import numpy as np
import pytest

from rapidity.config.preparation import Preparation
from rapidity.core.errors import DataError
from rapidity.core.jagged import Jagged
from rapidity.data.features import FeatureSet, make_features
from rapidity.data.preparation import fit_preparation
from rapidity.data.raw_events import RawTrainingEvents
from rapidity.data.split import TrainRows

COLLECTIONS = {"jet_pt": "jets", "jet_eta": "jets"}
ROWS = np.arange(0, 60, 2)


@pytest.fixture
def make_raw(make_table):
    """Return a builder of raw training events: every second event of 60, with features of jets and met."""

    def build(*, changed=("jet_pt",), further=(), features=("jet_pt[0]", "ht = sum(jet_pt)")):
        rng = np.random.default_rng(1)
        counts = rng.integers(1, 4, 60)
        jets = Jagged.from_counts(rng.exponential(40.0, counts.sum()), counts)
        columns = {
            "jet_pt": jets,
            "jet_eta": Jagged(rng.normal(size=counts.sum()), jets.offsets),
            "met": rng.exponential(30.0, 60).astype(np.float32),
        }
        made = {
            "jets": make_features(features, "inputs.jets", columns, {}, COLLECTIONS),
            "event": make_features(("met",), "inputs.event", columns, {}, COLLECTIONS),
        }
        rows = TrainRows(make_table(columns), ROWS)
        preparation = fit_preparation(Preparation(), FeatureSet(made, {}, COLLECTIONS), rows)
        return RawTrainingEvents(rows, preparation, changed, further)

    return build


def test_unchanged_columns_give_the_prepared_inputs_to_the_bit(make_raw):
    raw = make_raw()
    chosen = np.array([5, 3, 11])
    inputs, _ = raw.prepare(raw.pick(chosen), chosen)
    expected = raw.preparation.apply(raw.rows.table.columns, ROWS[chosen])
    assert np.array_equal(inputs["jets"], expected["jets"])


def test_only_inputs_that_need_a_changed_column_are_prepared_anew(make_raw):
    raw = make_raw()
    assert raw.columns == ("jet_pt",)
    assert set(raw.prepare(raw.pick(np.arange(3)), np.arange(3))[0]) == {"jets"}


def test_what_a_change_is_computed_from_is_picked_too(make_raw):
    assert make_raw(further=("jet_eta",)).columns == ("jet_pt", "jet_eta")


def test_a_change_reaches_the_features_and_not_the_table(make_raw):
    raw = make_raw()
    chosen = np.arange(4)
    columns = raw.pick(chosen)
    columns["jet_pt"].content[:] *= 2
    inputs, _ = raw.prepare(columns, chosen)
    before = raw.preparation.apply(raw.rows.table.columns, ROWS[chosen])["jets"]
    # Standard scaling is linear: twice the value is twice as far from what zero becomes.
    feature = raw.preparation.features[1]
    zero = feature.transforms[0].apply(np.zeros(1), np)
    np.testing.assert_allclose(inputs["jets"][:, 1] - zero, 2 * (before[:, 1] - zero), rtol=1e-5)


def test_a_feature_that_becomes_nan_is_explained(make_raw):
    raw = make_raw()
    chosen = np.array([1, 2])
    empty = Jagged.from_counts(np.empty(0), np.zeros(2, np.int64))
    with pytest.raises(
        DataError, match=r"(?s)training\.augmentation has changed.*jet_pt\[0\].*entry 2 .*`keep`"
    ):
        raw.prepare({"jet_pt": empty}, chosen)


def test_the_identity_follows_every_column_that_is_taken(make_raw):
    raw = make_raw(further=("jet_eta",))
    assert raw.identity == make_raw(further=("jet_eta",)).identity
    assert raw.identity != make_raw().identity
    other = make_raw(further=("jet_eta",))
    other.rows.table.columns["jet_eta"].content[0] += 1
    assert other.identity != raw.identity
