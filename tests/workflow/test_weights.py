"""What event weights mean in the numbers that a run publishes."""

from __future__ import annotations

import json

import numpy as np
import pytest

from rapidity.workflow import evaluate_run, train_run

pytestmark = pytest.mark.numpy

ROUNDING = 1e-9  # sums of the same numbers in another order
TRAINING = {"engine": "numpy", "epochs": 3, "batch_size": 64, "weight": {"event_weight": "ignore"}}
SPLIT = {"split": {"column": "part"}, "missing": {"sentinels": [-999.0]}}
ABSOLUTE = ("yields", "yield_errors", "confusion_matrix_weighted")
"""What has the unit of events."""
COUNTED = ("counts", "yield_errors", "effective_events", "confusion_matrix", "unweighted")
"""What knows a weight of 2 from two rows."""
RESAMPLED = ("interval", "p_value", "chi2")
"""Parts of names of what is made from errors or by the bootstrap."""


@pytest.fixture
def events(tiny_events):
    """Return events with signed weights and the name of the split of each."""
    made = tiny_events(600)
    made["part"] = np.array(["train", "train", "validation", "test", "test"], dtype=object)[
        np.arange(600) // 2 % 5
    ]
    return made


@pytest.fixture
def metrics_of(monkeypatch, tmp_path, write_config, save_csv):
    """Return a function that trains a run on events, without figures, and returns its metrics.json."""
    import rapidity.workflow.train

    monkeypatch.setattr(rapidity.workflow.train, "draw_figures", lambda *_: {})

    def measure(name, events, weight="weight", training=TRAINING):
        folder = tmp_path / name
        folder.mkdir()
        save_csv(folder / "events.csv", events)
        data = {
            "sources": [{"path": "events.csv"}], "target": "kind", "event_weight": weight,
            "guards": {"duplicates": "warn", "repeated_event": "warn"},
        }  # fmt: skip
        config = write_config(folder / "config.yaml", data=data, preparation=SPLIT, training=training)
        return json.loads(train_run(config, output=folder / "run").path.metrics.read_text())

    return measure


def leaves(metrics, prefix=""):
    """Yield the dotted name of every number, with the number."""
    items = metrics.items() if isinstance(metrics, dict) else enumerate(metrics)
    for key, value in items:
        name = f"{prefix}{key}"
        if isinstance(value, dict | list):
            yield from leaves(value, f"{name}.")
        elif isinstance(value, int | float) or value is None:
            yield name, value


def central(metrics, without=()):
    """Return the numbers that are neither of `without` nor made from errors or by the bootstrap."""
    return {
        name: value
        for name, value in leaves(metrics)
        if name.split(".")[0] not in without and not any(part in name for part in RESAMPLED)
    }


def assert_same(found, expected, factor=1.0):
    assert found.keys() == expected.keys()
    for name, value in found.items():
        scale = factor if name.split(".")[0] in ABSOLUTE else 1.0
        wanted = expected[name] if expected[name] is None else scale * expected[name]
        assert value == (None if wanted is None else pytest.approx(wanted, rel=ROUNDING, abs=ROUNDING)), name


def test_weights_of_one_are_no_weights(metrics_of, events):
    ones = metrics_of("ones", {**events, "weight": np.ones(600)})
    none = metrics_of("none", events, weight=None)
    # Only that there are weights is said: the same numbers without them.
    unweighted = ones.pop("unweighted")
    assert ones == none
    assert unweighted["log_loss"] == none["log_loss"]


def test_a_common_factor_changes_no_normalised_number(metrics_of, events):
    plain = metrics_of("plain", events)
    scaled = metrics_of("scaled", {**events, "weight": 1e-3 * events["weight"]})
    for metrics in (plain, scaled):
        assert metrics["splits"]["test"]["negative_weight_fraction"] > 0.1
    assert_same(dict(leaves(scaled)), dict(leaves(plain)), factor=1e-3)


def test_a_common_factor_of_the_loss_changes_no_training(metrics_of, events):
    """A power of two, which changes no digit: the networks are the same to the last bit."""
    for policy in ("absolute", "drop", "keep"):
        training = {**TRAINING, "weight": {"event_weight": policy, "balance_classes": True}}
        plain = metrics_of(f"{policy}-1", events, training=training)
        scaled = metrics_of(
            f"{policy}-1024", {**events, "weight": 1024 * events["weight"]}, training=training
        )
        assert_same(dict(leaves(scaled)), dict(leaves(plain)), factor=1024)


def test_a_weight_of_two_is_the_row_twice(metrics_of, events):
    """In the test split: the same rows twice, or once with twice their weight."""
    is_heavy = (events["part"] == "test") & (np.arange(600) % 3 == 0)
    rows = np.sort(np.concatenate([np.arange(600), np.flatnonzero(is_heavy)]))
    heavy = metrics_of("heavy", {**events, "weight": np.where(is_heavy, 2, 1) * events["weight"]})
    twice = metrics_of("twice", {name: values[rows] for name, values in events.items()})
    assert sum(twice["counts"]["test"].values()) == sum(heavy["counts"]["test"].values()) + is_heavy.sum()
    for metrics in (heavy, twice):
        # How many of the events are negative is a count.
        del metrics["splits"]["test"]["negative_weight_fraction"]
    assert_same(central(heavy, COUNTED), central(twice, COUNTED))
    for name in ("background", "signal"):
        assert heavy["yield_errors"]["test"][name] > twice["yield_errors"]["test"][name]
        assert heavy["effective_events"]["test"][name] < twice["effective_events"]["test"][name]


def test_a_cancelling_pair_contributes_nothing(metrics_of, events):
    """Two more rows of the test split, of weights +5 and -5."""
    row = int(np.flatnonzero(events["part"] == "test")[0])
    rows = np.concatenate([np.arange(600), [row, row]])
    more = {name: values[rows] for name, values in events.items()}
    more["weight"] = np.concatenate([events["weight"], [5.0, -5.0]])
    without, beside = metrics_of("without", events), metrics_of("with", more)
    for metrics in (without, beside):
        del metrics["splits"]["test"]["negative_weight_fraction"]
    assert_same(central(beside, COUNTED), central(without, COUNTED))
    name = str(events["kind"][row])
    found, expected = (metrics["yield_errors"]["test"][name] for metrics in (beside, without))
    assert found**2 == pytest.approx(expected**2 + 2 * 5.0**2)


def test_the_same_holds_for_other_events(metrics_of, events, tmp_path, save_csv):
    """`rapidity evaluate --data`: the invariants without any training between."""
    metrics_of("run", events)
    run = tmp_path / "run" / "run"

    def evaluate(name, changed):
        save_csv(tmp_path / name, changed)
        return evaluate_run(run, [str(tmp_path / name)])

    plain = evaluate("plain.csv", events)
    rows = np.concatenate([np.arange(600)] * 2)
    twice = evaluate("twice.csv", {name: values[rows] for name, values in events.items()})
    heavy = evaluate("heavy.csv", {**events, "weight": 2 * events["weight"]})
    assert_same(central(heavy, COUNTED), central(twice, COUNTED))
    assert_same(dict(leaves(heavy)), dict(leaves(plain)), factor=2.0)
