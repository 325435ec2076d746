"""From particle-physics ntuples to a trained, checked neural network in one ONNX file.

The Python interface mirrors the verbs of the command line. Importing this package loads no heavy
library and changes nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rapidity.artefact import OnnxModel
    from rapidity.config import RunConfig, load_config
    from rapidity.core.errors import RapidityError
    from rapidity.data.inspection import inspect_file as inspect
    from rapidity.samples import generate
    from rapidity.samples.public import fetch
    from rapidity.workflow import Run
    from rapidity.workflow import check_config as check
    from rapidity.workflow import compute_graph as graph
    from rapidity.workflow import convert_files as convert
    from rapidity.workflow import evaluate_run as evaluate
    from rapidity.workflow import predict_files as predict
    from rapidity.workflow import probe_run as probe
    from rapidity.workflow import run_demo as demo
    from rapidity.workflow import train_run as train

_HOMES = {
    "OnnxModel": ("rapidity.artefact", "OnnxModel"),
    "RapidityError": ("rapidity.core.errors", "RapidityError"),
    "Run": ("rapidity.workflow", "Run"),
    "RunConfig": ("rapidity.config", "RunConfig"),
    "check": ("rapidity.workflow", "check_config"),
    "convert": ("rapidity.workflow", "convert_files"),
    "demo": ("rapidity.workflow", "run_demo"),
    "evaluate": ("rapidity.workflow", "evaluate_run"),
    "fetch": ("rapidity.samples.public", "fetch"),
    "generate": ("rapidity.samples", "generate"),
    "graph": ("rapidity.workflow", "compute_graph"),
    "inspect": ("rapidity.data.inspection", "inspect_file"),
    "load_config": ("rapidity.config", "load_config"),
    "predict": ("rapidity.workflow", "predict_files"),
    "probe": ("rapidity.workflow", "probe_run"),
    "train": ("rapidity.workflow", "train_run"),
}

__all__ = [
    "OnnxModel",
    "RapidityError",
    "Run",
    "RunConfig",
    "__version__",
    "check",
    "convert",
    "demo",
    "evaluate",
    "fetch",
    "generate",
    "graph",
    "inspect",
    "load_config",
    "predict",
    "probe",
    "train",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used (PEP 562)."""
    if name == "__version__":
        return importlib.import_module("importlib.metadata").version("rapidity")
    if name not in _HOMES:
        message = f"module 'rapidity' has no attribute '{name}'. Public names: {', '.join(__all__)}"
        raise AttributeError(message)
    module, attribute = _HOMES[name]
    return getattr(importlib.import_module(module), attribute)
