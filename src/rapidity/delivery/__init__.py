"""Scores back beside the events: one row for every entry of the files, in their order.

The events themselves are only read. What a model computes is the business of `artefact`.
"""

from __future__ import annotations

from rapidity.delivery.prediction import predict_files
from rapidity.delivery.summary import PredictionSummary

__all__ = ["PredictionSummary", "predict_files"]
