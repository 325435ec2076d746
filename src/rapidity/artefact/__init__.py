"""model.onnx: writing it from graph and parameters, running it in ONNX Runtime, checking parity.

Entry files: `writer`, `model`, `parity`. The only package that imports onnx or onnxruntime; both only
once one of the functions here is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rapidity.artefact.columns import check_signature
    from rapidity.artefact.description import ModelDescription, describe_model
    from rapidity.artefact.folds import build_folds, write_folds
    from rapidity.artefact.metadata import ModelInput
    from rapidity.artefact.model import OnnxModel, Scores
    from rapidity.artefact.outputs import check_column_names
    from rapidity.artefact.parity import ParityReport, check_all_outputs, check_parity
    from rapidity.artefact.writer import build_model, write_model

_HOMES = {
    "ModelDescription": "description",
    "ModelInput": "metadata",
    "OnnxModel": "model",
    "ParityReport": "parity",
    "Scores": "model",
    "build_folds": "folds",
    "build_model": "writer",
    "check_all_outputs": "parity",
    "check_column_names": "outputs",
    "check_parity": "parity",
    "check_signature": "columns",
    "describe_model": "description",
    "write_folds": "folds",
    "write_model": "writer",
}

__all__ = [
    "ModelDescription",
    "ModelInput",
    "OnnxModel",
    "ParityReport",
    "Scores",
    "build_folds",
    "build_model",
    "check_all_outputs",
    "check_column_names",
    "check_parity",
    "check_signature",
    "describe_model",
    "write_folds",
    "write_model",
]


def __getattr__(name: str) -> Any:
    """Import the module that holds `name` when it is first asked for: onnx takes its time."""
    if name not in _HOMES:
        message = f"module '{__name__}' has no attribute '{name}'"
        raise AttributeError(message)
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
