"""Numbers that say how good a network is: pure functions on arrays, each with `event_weight`.

Weights may be negative. NumPy only; nothing here knows of files, configurations or figures.
"""

from rapidity.metrics.accuracy import accuracy, predicted_class, weighted_mean
from rapidity.metrics.arrays import sum_of_weights
from rapidity.metrics.assignment import assign_one_each
from rapidity.metrics.auc import RankedScores, auc, macro_auc, one_vs_rest_auc
from rapidity.metrics.bootstrap import Estimate, paired_difference, percentile_interval, replicate
from rapidity.metrics.calibration import CalibrationCurve, calibration_curve
from rapidity.metrics.confusion_matrix import confusion_matrix, normalise_by_true_class
from rapidity.metrics.correlation import correlation_matrix
from rapidity.metrics.effective_events import effective_events
from rapidity.metrics.efficiency import Efficiencies, efficiencies, find_threshold
from rapidity.metrics.histogram import Histogram, fill_histogram
from rapidity.metrics.log_loss import log_loss, log_loss_per_event
from rapidity.metrics.precision_recall import (
    PrecisionRecallCurve,
    f1,
    precision,
    precision_recall_curve,
    recall,
)
from rapidity.metrics.residuals import RankedResiduals, ResidualSpread, explained_variance, residual_spread
from rapidity.metrics.roc_curve import RocCurve, roc_curve
from rapidity.metrics.significance import asimov_significance
from rapidity.metrics.two_sample import Chi2Test, KsTest, chi2_test, ks_test

__all__ = [
    "CalibrationCurve",
    "Chi2Test",
    "Efficiencies",
    "Estimate",
    "Histogram",
    "KsTest",
    "PrecisionRecallCurve",
    "RankedResiduals",
    "RankedScores",
    "ResidualSpread",
    "RocCurve",
    "accuracy",
    "asimov_significance",
    "assign_one_each",
    "auc",
    "calibration_curve",
    "chi2_test",
    "confusion_matrix",
    "correlation_matrix",
    "effective_events",
    "efficiencies",
    "explained_variance",
    "f1",
    "fill_histogram",
    "find_threshold",
    "ks_test",
    "log_loss",
    "log_loss_per_event",
    "macro_auc",
    "normalise_by_true_class",
    "one_vs_rest_auc",
    "paired_difference",
    "percentile_interval",
    "precision",
    "precision_recall_curve",
    "predicted_class",
    "recall",
    "replicate",
    "residual_spread",
    "roc_curve",
    "sum_of_weights",
    "weighted_mean",
]
