from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from rapidity.config.evaluation import Evaluation
from rapidity.core.errors import DataError
from rapidity.evaluation import evaluate

QUICK = Evaluation(bootstrap=20)
SIX = ("Electron", "Ghost", "Kaon", "Muon", "Pion", "Proton")


@pytest.mark.parametrize("names", [("signal", "background"), SIX])
def test_metrics_are_those_of_the_test_split(make_events, names):
    events = make_events(names, weighted=True)
    metrics = evaluate(events, QUICK).to_metrics()
    is_test = events.split == 2
    weight = events.event_weight[is_test]
    for k, name in enumerate(names):
        expected = roc_auc_score(
            events.class_index[is_test] == k, events.probabilities[is_test, k], sample_weight=weight
        )
        assert metrics["test_auc"][name] == pytest.approx(expected, abs=1e-12)
        low, high = metrics["test_auc_interval"][name]
        assert low < expected < high
    assert metrics["log_loss"] == pytest.approx(
        log_loss(
            events.class_index[is_test],
            events.classes.probabilities(events.logits[is_test]),
            sample_weight=weight,
        )
    )
    assert metrics["counts"]["test"] == {
        name: int((events.class_index[is_test] == k).sum()) for k, name in enumerate(names)
    }
    assert sum(metrics["yields"]["test"].values()) == pytest.approx(weight.sum())


def test_metrics_are_json_with_the_agreed_keys(make_events):
    metrics = evaluate(make_events(), QUICK).to_metrics()
    assert json.loads(json.dumps(metrics, allow_nan=False)) == metrics
    agreed = {
        "test_auc",
        "test_auc_interval",
        "log_loss",
        "accuracy",
        "confusion_matrix",
        "counts",
        "yields",
        "precision",
        "recall",
        "f1",
        "working_points",
    }
    assert agreed <= set(metrics)
    assert np.sum(metrics["confusion_matrix"]) == sum(metrics["counts"]["test"].values())


def test_unweighted_values_stand_beside_weighted_ones(make_events):
    events = make_events(weighted=True)
    metrics = evaluate(events, QUICK).to_metrics()
    plain = evaluate(replace(events, event_weight=None), QUICK).to_metrics()
    assert metrics["unweighted"]["test_auc"] == plain["test_auc"]
    assert metrics["unweighted"]["log_loss"] == plain["log_loss"]
    assert "unweighted" not in plain


def test_the_same_seed_gives_the_same_intervals(make_events):
    events = make_events()
    first, again, other = (
        evaluate(events, QUICK, seed).to_metrics()["test_auc_interval"] for seed in (1, 1, 2)
    )
    assert first == again != other


def test_interval_covers_about_what_it_says(make_events):
    truth = evaluate(make_events(n_events=100_000), Evaluation(bootstrap=2)).auc[0].value
    config = Evaluation(bootstrap=100, confidence_level=0.9)
    estimates = [evaluate(make_events(n_events=1500, seed=seed), config).auc[0] for seed in range(2, 32)]
    covered = sum(estimate.low <= truth <= estimate.high for estimate in estimates)
    assert 21 <= covered <= 30  # 27 expected, standard deviation 1.6


def test_working_points_are_fitted_on_validation_and_measured_on_test(make_events):
    events = make_events(n_events=6000)
    points = evaluate(events, QUICK).working_points
    assert {point.fitted_on for point in points} == {"validation"}
    validation = events.take_split("validation")
    for point in points:
        k = events.classes.names.index(point.class_name)
        scores = validation.probabilities[validation.class_index == k, k]
        assert (scores >= point.measured.threshold).mean() == pytest.approx(point.target, abs=0.002)
        assert point.measured.sig_eff != point.target


def test_new_data_are_evaluated_whole_and_say_where_thresholds_come_from(make_events):
    events = make_events()
    events = replace(events, split=np.full(events.n_events, -1, dtype=np.int8))
    result = evaluate(events, QUICK, split="all")
    assert "all_auc" in result.to_metrics()
    assert list(result.splits) == ["all"]
    assert any("for want of others" in note for note in result.notes)


def test_evaluating_the_validation_split_says_that_its_thresholds_are_its_own(make_events):
    result = evaluate(make_events(), QUICK, split="validation")
    assert "validation_auc" in result.to_metrics()
    assert any("for want of others" in note for note in result.notes)


def test_signed_weights_are_noted(make_events):
    result = evaluate(make_events(signed=True), QUICK)
    assert any("negative weights" in note for note in result.notes)
    assert result.splits["test"].negative_fraction > 0


def test_auc_outside_the_unit_interval_is_noted(make_events):
    events = make_events(n_events=300)
    weight = np.ones(300)
    worst = np.argmin(
        np.where((events.class_index == 0) & (events.split == 2), events.probabilities[:, 0], 2)
    )
    weight[worst] = -10.0
    result = evaluate(replace(events, event_weight=weight), QUICK)
    assert result.auc[0].value > 1
    assert any("outside [0, 1]" in note for note in result.notes)


def test_training_split_is_compared_score_by_score(make_events):
    result = evaluate(make_events(SIX), QUICK)
    assert len(result.score_histograms) == 36
    assert all(histogram.ks is not None for histogram in result.score_histograms)
    assert len(result.to_metrics()["train_comparison"]) == 36


def test_overtraining_shows_in_the_two_sample_test(make_events):
    events = make_events(n_events=8000)
    logits = events.logits.copy()
    is_train = events.split == 0
    logits[is_train, 0] += np.where(events.class_index[is_train] == 0, 0.5, -0.5)
    worse = replace(events, logits=logits, probabilities=events.classes.probabilities(logits))
    assert evaluate(events, QUICK).score_histograms[0].ks.p_value > 0.001
    assert evaluate(worse, QUICK).score_histograms[0].ks.p_value < 1e-6


def test_curves_are_thinned_for_drawing(make_events):
    result = evaluate(make_events(n_events=20_000), QUICK)
    assert all(len(curve.threshold) <= 1002 for curve in result.roc.values())
    assert all(len(curve.threshold) <= 1000 for curve in result.precision_recall.values())


def test_shown_class_of_two_is_the_one_of_the_logit(make_events):
    assert evaluate(make_events(("signal", "background")), QUICK).shown_classes == ("signal",)
    assert evaluate(make_events(("pion", "kaon")), QUICK).shown_classes == ("kaon",)


def test_rejection_without_background_is_null_in_json(make_events):
    events = make_events(n_events=300)
    logits = np.where(events.class_index == 0, 9.0, -9.0)[:, np.newaxis].astype(np.float32)
    perfect = replace(events, logits=logits, probabilities=events.classes.probabilities(logits))
    points = evaluate(perfect, QUICK).to_metrics()["working_points"]["signal"]
    assert points[0]["bkg_rej"] is None
    assert points[0]["bkg_eff"] == 0.0


def test_unlabelled_data_cannot_be_evaluated(make_events):
    events = make_events(n_events=30)
    events = replace(events, class_index=np.full(30, -1))
    with pytest.raises(DataError, match=r"no events whose class is known.*data\.target.*rapidity predict"):
        evaluate(events, QUICK)


def test_absent_class_is_named_with_the_counts(make_events):
    events = make_events(n_events=90)
    split = np.where(events.class_index == 1, 0, 2).astype(np.int8)
    with pytest.raises(DataError, match=r"class 'background' has no events in the test split \(signal: 45"):
        evaluate(replace(events, split=split), QUICK)


def test_class_without_yield_is_named(make_events):
    events = make_events(n_events=90)
    weight = np.where(events.class_index == 1, -1.0, 1.0)
    with pytest.raises(DataError, match="event weights of class 'background' sum to -"):
        evaluate(replace(events, event_weight=weight), QUICK)


def test_split_without_validation_class_falls_back_to_the_evaluated_one(make_events):
    events = make_events(n_events=300)
    split = np.where((events.split == 1) & (events.class_index == 0), 0, events.split).astype(np.int8)
    result = evaluate(replace(events, split=split), QUICK)
    assert {point.fitted_on for point in result.working_points} == {"test"}
    assert result.splits["validation"].auc is None
