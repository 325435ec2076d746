"""Which events each fold trains and tests, and what is said where they cannot be divided so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from rapidity.config import RunConfig, load_config
from rapidity.core.errors import ConfigError, DataError
from rapidity.data.guards.finding import GuardFinding
from rapidity.expressions import parse_expression
from rapidity.workflow import check_config
from rapidity.workflow.fold_run import fold_config
from rapidity.workflow.folds import join_warnings, prepare_folds

from .conftest import (
    COUNT,
    DATA,
    N_EVENTS,
    features_of,
    fold_model,
)

pytestmark = pytest.mark.numpy


def test_network_i_never_sees_fold_i(config, events):
    loaded = load_config(config())
    folds = prepare_folds(loaded.config, loaded.base)
    tested = []
    for index, prepared in enumerate(folds):
        entries = {
            name: set(prepared.table.source_entry[getattr(prepared.splits, name).rows].tolist())
            for name in ("train", "validation", "test")
        }
        of_fold = {
            int(entry)
            for entry in prepared.table.source_entry
            if int(events["event"][entry]) % COUNT == index
        }
        assert entries["test"] == of_fold
        assert not of_fold & (entries["train"] | entries["validation"])
        assert not entries["train"] & entries["validation"]
        assert set(prepared.train_weights.rows.rows.tolist()) <= set(prepared.splits.train.rows.tolist())
        tested += sorted(of_fold)
    assert sorted(tested) == list(range(N_EVENTS))


def test_each_network_has_the_preparation_of_its_own_training_events(config):
    loaded = load_config(config())
    for prepared in prepare_folds(loaded.config, loaded.base):
        values = prepared.table.columns["pt"][prepared.splits.train.rows].astype(np.float64)
        (transform,) = prepared.preparation.features[0].transforms
        assert transform.mean == pytest.approx(values.mean())


def test_an_event_does_not_reach_the_network_that_scores_it(folded, events, tmp_path, save_csv):
    """Other features, other classes of all events of fold 1: its network stays the same to the last bit."""
    before = folded("before")
    in_fold = np.mod(events["event"], COUNT) == 1
    changed = dict(events)
    changed["pt"] = np.where(in_fold, 1e3 + events["pt"], events["pt"])
    changed["kind"] = np.where(in_fold, events["kind"][::-1], events["kind"])
    save_csv(tmp_path / "events.csv", changed)
    after = folded("after")
    # Fold 1 is the whole training split of network 2.
    for index, is_same in ((1, True), (2, False)):
        models = [fold_model(run, index) for run in (before, after)]
        first, second = (model.run(features_of(events, model)).logits for model in models)
        assert np.array_equal(first, second) == is_same
    rows = np.flatnonzero(in_fold)
    columns = features_of(events, before.model, rows)
    np.testing.assert_array_equal(before.model.run(columns).logits, after.model.run(columns).logits)


@given(
    event=st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=30),
    count=st.integers(3, 9),
    index=st.integers(0, 8),
)
@examples(deadline=None)
def test_the_split_of_a_fold_is_the_modulo_of_its_number(event, count, index):
    """The splits of the runs are those that the model file makes, whatever the sign and size of a number."""
    config = RunConfig.model_validate(
        {"name": "tiny", "data": DATA, "features": ["pt"], "training": {"folds": {"count": count}}}
    )
    numbers, index = np.array(event, dtype=np.int64), index % count
    split = fold_config(config, index).preparation.split
    found = np.asarray(parse_expression(split.by).evaluate({"event": numbers}))
    np.testing.assert_array_equal(found, np.mod(numbers, count))
    assert split.test == (index,)
    assert split.validation == ((index + 1) % count,)


def test_checking_names_the_events_of_each_fold(config):
    result = check_config(config())
    assert list(result.events) == ["fold 0", "fold 1", "fold 2"]
    assert sum(sum(numbers.values()) for numbers in result.events.values()) == N_EVENTS
    assert result.name == "tiny"


def test_a_fold_without_a_class_is_named(config, events, tmp_path, save_csv):
    save_csv(tmp_path / "events.csv", {**events, "event": np.arange(N_EVENTS) * 2 + 7})
    with pytest.raises(
        DataError, match=r"fold 0 \(where 'event' modulo 4 is 0\) has no event of class background"
    ):
        check_config(config(folds={"count": 4}))


def test_an_error_in_one_fold_says_in_which(config, events, tmp_path, save_csv):
    """The weights of one class cancel in one fold only."""
    weight = np.ones(N_EVENTS)
    rows = np.flatnonzero((np.mod(events["event"], COUNT) == 2) & (events["code"] == 1))
    weight[rows] = np.resize([1.0, -1.0], len(rows))
    weight[rows[-1]] -= weight[rows].sum()
    save_csv(tmp_path / "events.csv", {**events, "weight": weight})
    with pytest.raises(DataError, match="fold 2: the event weights of class 'signal' sum to"):
        check_config(config(data={**DATA, "event_weight": "weight"}))


def test_a_repeated_key_is_told(config, events, tmp_path, save_csv):
    save_csv(tmp_path / "events.csv", {**events, "event": events["event"] // 6})
    warnings = check_config(config()).warnings
    assert [text for text in warnings if text.startswith("repeated_event: the key (event) is not unique")]


def test_the_key_is_whole(config, events, tmp_path, save_csv):
    save_csv(tmp_path / "events.csv", {**events, "event": events["event"] + 0.5})
    with pytest.raises(DataError, match=r"column 'event' of .*: found .* expected a whole number"):
        check_config(config())


def test_a_spectator_cannot_be_called_fold(config, events, tmp_path, save_csv):
    save_csv(tmp_path / "events.csv", {**events, "fold": events["event"]})
    with pytest.raises(ConfigError, match=r"scores.parquet has columns fold of its own"):
        check_config(config(data={**DATA, "spectators": ["fold"]}))


def test_warnings_of_folds_are_joined(config):
    loaded = load_config(config())
    folds = prepare_folds(loaded.config, loaded.base)
    everywhere = GuardFinding("constant_feature", "warn", "eta is constant")
    here = GuardFinding("duplicates", "warn", "two are equal")
    found = [(everywhere,), (everywhere, here), (everywhere,)]
    changed = [replace(fold, findings=findings) for fold, findings in zip(folds, found, strict=True)]
    assert join_warnings(changed) == [
        "constant_feature: eta is constant",
        "fold 1: duplicates: two are equal",
    ]
