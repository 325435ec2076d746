"""Numbers that say how good a classification is: pure functions on arrays, each with `event_weight`.

Weights may be negative. NumPy only; nothing here knows of files, configurations or figures.
"""

from rapidity.metrics.accuracy import accuracy, predicted_class, weighted_mean
from rapidity.metrics.auc import RankedScores, auc, macro_auc, one_vs_rest_auc
from rapidity.metrics.log_loss import log_loss, log_loss_per_event

__all__ = [
    "RankedScores",
    "accuracy",
    "auc",
    "log_loss",
    "log_loss_per_event",
    "macro_auc",
    "one_vs_rest_auc",
    "predicted_class",
    "weighted_mean",
]
