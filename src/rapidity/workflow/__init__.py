"""The stages of a run and the folder it leaves: prepare, train, export, evaluate, report.

Entry file: `train`. What each stage does lives on the floors below; here they are put in order.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rapidity.workflow.check import CheckResult, check_config
    from rapidity.workflow.convert import convert_files
    from rapidity.workflow.demo import run_demo
    from rapidity.workflow.evaluate import evaluate_run
    from rapidity.workflow.graph import ComputationalGraph, compute_graph
    from rapidity.workflow.page import write_run_report
    from rapidity.workflow.predict import predict_files
    from rapidity.workflow.probe import ProbeSummary, probe_run
    from rapidity.workflow.run import Run
    from rapidity.workflow.run_description import RunDescription, describe_run
    from rapidity.workflow.run_folder import RunFolder
    from rapidity.workflow.train import train_run

_HOMES = {
    "CheckResult": "check",
    "ComputationalGraph": "graph",
    "ProbeSummary": "probe",
    "Run": "run",
    "RunDescription": "run_description",
    "RunFolder": "run_folder",
    "check_config": "check",
    "convert_files": "convert",
    "compute_graph": "graph",
    "describe_run": "run_description",
    "evaluate_run": "evaluate",
    "predict_files": "predict",
    "probe_run": "probe",
    "run_demo": "demo",
    "train_run": "train",
    "write_run_report": "page",
}

__all__ = [
    "CheckResult",
    "ComputationalGraph",
    "ProbeSummary",
    "Run",
    "RunDescription",
    "RunFolder",
    "check_config",
    "compute_graph",
    "convert_files",
    "describe_run",
    "evaluate_run",
    "predict_files",
    "probe_run",
    "run_demo",
    "train_run",
    "write_run_report",
]


def __getattr__(name: str) -> Any:
    """Import the module that holds `name` when it is first asked for: the stages need every library."""
    if name not in _HOMES:
        message = f"module '{__name__}' has no attribute '{name}'"
        raise AttributeError(message)
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
