"""Scores back beside the events: one row for every entry of the files, in their order.

The events themselves are only read. What a model computes is the business of `artefact`; which files there
are, and who works on which, that of `workflow`.
"""

from __future__ import annotations

from rapidity.delivery.checking import verify_file
from rapidity.delivery.friends import predict_file
from rapidity.delivery.prediction import predict_table
from rapidity.delivery.summary import PredictionSummary
from rapidity.delivery.task import FileOutcome, PredictTask

__all__ = [
    "FileOutcome",
    "PredictTask",
    "PredictionSummary",
    "predict_file",
    "predict_table",
    "verify_file",
]
